"""What RunPod starts: objects in frames, on this worker's GPU.

YOLO_MODEL is a file in /models; FRAMEFLEET_DETECTOR says what runs it: ultralytics, dfine or rfdetr.
"""

import os
from pathlib import Path

from framefleet.stages.objects.worker.handler import make_handler, open_engine


def main() -> None:
    import runpod

    model = Path("/models", os.environ.get("YOLO_MODEL", "yolo11m.pt"))
    kind = os.environ.get("FRAMEFLEET_DETECTOR", "ultralytics")
    runpod.serverless.start({"handler": make_handler(open_engine(str(model), kind))})


if __name__ == "__main__":
    main()
