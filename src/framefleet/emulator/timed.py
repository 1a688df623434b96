"""A handler that finds nothing in a given time, as a benchmark's substitute for a GPU."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from framefleet.emulator.ledger import Content
from framefleet.protocol.ocr import OcrFrame
from framefleet.protocol.yolo import FrameReply
from framefleet.stages.base import Handler
from framefleet.timebase import Seconds

_WORKER = {"schema_version": "1", "model": "timed", "model_id": "", "device": "cpu", "gpu": None}


class _Frame(msgspec.Struct):
    index: int
    time_s: Seconds


class _Source(msgspec.Struct):
    frames: list[_Frame]


class _Asked(msgspec.Struct):
    """The fields of a request that are needed, and those that identify its kind.

    Images and sound are skipped, so that their bytes are never decoded.
    """

    source: _Source | None = None
    probe: bool = False
    duration_s: Seconds = 0.0
    min_confidence: float | None = None  # ocr
    top_k: int | None = None  # ast


class TimedHandler:
    """A handler that takes `one_s` for one frame or clip and `several_s` for a batch, and finds nothing in them."""

    def __init__(self, several_s: Seconds, one_s: Seconds, sleep: Callable[[Seconds], None] = time.sleep) -> None:
        self._several_s = several_s
        self._one_s = one_s
        self._sleep = sleep

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        return self._answer(msgspec.convert(job["input"], _Asked))

    def raw(self, input: Content) -> dict[str, Any]:
        """Return the reply to the request's JSON."""
        return self._answer(msgspec.json.decode(input, type=_Asked))

    def _answer(self, asked: _Asked) -> dict[str, Any]:
        if asked.probe:
            return {
                "schema_versions": ["1"],
                "source_kinds": ["jpeg_frames", "opus", "flac", "wav"],
                "model": "timed",
                "model_id": "",
                "gpu": None,
                "max_batch": 64,
            }
        frames = asked.source.frames if asked.source is not None else []
        self._sleep(self._several_s if len(frames) > 1 else self._one_s)
        if asked.source is not None:
            looked_at: type[FrameReply | OcrFrame] = FrameReply if asked.min_confidence is None else OcrFrame
            return {**_WORKER, "frames": msgspec.to_builtins([looked_at(f.index, f.time_s, []) for f in frames])}
        if asked.top_k is not None:
            whole = {"start_s": 0.0, "end_s": asked.duration_s, "classes": []}
            return {**_WORKER, "slice_s": asked.duration_s, "hop_s": asked.duration_s, "slices": [whole]}
        return {**_WORKER, "language": "en", "language_probability": 0.0, "segments": []}


def timed_yolo(batch_s: Seconds, frame_s: Seconds) -> Handler:
    """Return a handler that takes `frame_s` for one frame and `batch_s` for several, and finds no objects."""
    return TimedHandler(batch_s, frame_s)
