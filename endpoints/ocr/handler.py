"""The entry point on RunPod: text in frames, by RapidOCR on this worker's GPU, or on a CPU with OCR_DEVICE=cpu."""

import os

from framefleet.stages.text.worker.handler import make_handler, open_engine


def main() -> None:
    import runpod

    device = "cpu" if os.environ.get("OCR_DEVICE") == "cpu" else "cuda"
    runpod.serverless.start({"handler": make_handler(open_engine(device))})


if __name__ == "__main__":
    main()
