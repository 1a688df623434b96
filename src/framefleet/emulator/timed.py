"""A handler that finds nothing in a given time: what a benchmark puts in the place of a GPU."""

import time
from typing import Any

from framefleet.stages.base import Handler
from framefleet.units import Seconds


def timed_yolo(batch_s: Seconds, frame_s: Seconds) -> Handler:
    """Takes `frame_s` for one picture and `batch_s` for a batch of several; every picture has no objects."""

    def handler(job: dict[str, Any]) -> dict[str, Any]:
        frames = job["input"]["source"]["frames"]
        time.sleep(frame_s if len(frames) == 1 else batch_s)
        found = [{"index": f["index"], "time_s": f["time_s"], "objects": [], "error": None} for f in frames]
        return {"schema_version": "1", "model": "timed", "model_id": "", "device": "cpu", "gpu": None, "frames": found}

    return handler
