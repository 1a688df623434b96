"""The entry point on RunPod: objects in frames, by Ultralytics on this worker's GPU. YOLO_MODEL is a file in
/models."""

import os
from pathlib import Path

from framefleet.stages.objects.worker.handler import make_handler, open_engine


def main() -> None:
    import runpod

    model = Path("/models", os.environ.get("YOLO_MODEL", "yolo11m.pt"))
    runpod.serverless.start({"handler": make_handler(open_engine(str(model), "ultralytics"))})


if __name__ == "__main__":
    main()
