"""The entry point on RunPod: speech to text, by faster-whisper on this worker's GPU, and speakers, on its CPU.

WHISPER_MODEL is a folder in /models.
"""

import os
from pathlib import Path

from framefleet.stages.speakers.worker.handler import beside, open_engine
from framefleet.stages.speech.worker.handler import make_handler, open_model


def main() -> None:
    import runpod

    model = Path("/models", os.environ.get("WHISPER_MODEL", "large-v3-turbo"))
    if os.environ.get("WHISPER_DEVICE", "cuda") == "cpu":  # to try the image without a GPU
        engine = open_model(str(model))
    else:
        engine = open_model(str(model), device="cuda", compute_type="float16", batched=True)
    handler, voices = make_handler(engine), Path(os.environ.get("SPEAKERS_MODELS", "/models/speakers"))
    runpod.serverless.start({"handler": beside(handler, open_engine(voices)) if voices.is_dir() else handler})


if __name__ == "__main__":
    main()
