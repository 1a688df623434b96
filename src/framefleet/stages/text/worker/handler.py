"""The handler of the ocr endpoint: it passes a job's frames through a text reader.

An image that cannot be decoded fails alone; a request that cannot be served gets `{"error": "<type>: <line>"}`.
"""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.protocol.ocr import (
    OcrFrame,
    OcrReply,
    OcrRequest,
    TextLine,
)
from framefleet.stages.text.worker.engines import open_engine
from framefleet.stages.text.worker.engines.base import Corners, Reading, TextReader
from framefleet.worker.pictures import Pixels, decode, explain
from framefleet.worker.serving import ServedHandler, check_model, ms

__all__ = ["TextHandler", "make_handler", "open_engine"]

SLANT = 0.15  # of a line's height: a line whose corners are further from its box's is slanted


class TextHandler(ServedHandler[OcrRequest]):
    """The handler for a loaded text reader; never raises."""

    def __init__(self, engine: TextReader) -> None:
        super().__init__(OcrRequest, self._probe, self._answer, explain)
        self._engine = engine

    def _probe(self) -> ProbeReply:
        engine = self._engine
        return ProbeReply(source_kinds=["jpeg_frames"], model=engine.model, model_id=engine.model_id, gpu=engine.gpu)

    def _answer(self, request: OcrRequest) -> OcrReply:
        check_model(request.model, self._engine.model)
        return self._read(request)

    def _read(self, request: OcrRequest) -> OcrReply:
        engine, frames = self._engine, request.source.frames
        began = perf_counter()
        pictures, errors = decode(frames)
        decoded = perf_counter()
        read = dict(zip(pictures, engine.read(list(pictures.values()), request.max_side), strict=True))
        inferred = perf_counter()
        replies = []
        for place, frame in enumerate(frames):
            lines = describe(read[place], pictures[place], request) if place in read else None
            replies.append(OcrFrame(frame.index, frame.time_s, lines, errors.get(place)))
        return OcrReply(
            model=engine.model,
            model_id=engine.model_id,
            device=engine.device,
            gpu=engine.gpu,
            frames=replies,
            timing_ms=TimingMs(ms(decoded - began), ms(inferred - decoded), ms(perf_counter() - began)),
        )


def make_handler(engine: TextReader) -> TextHandler:
    """Return the handler of the ocr endpoint on `engine`."""
    return TextHandler(engine)


def describe(readings: Sequence[Reading], picture: Pixels, request: OcrRequest) -> list[TextLine]:
    """Return the sufficiently confident readings, in order, as lines in the source's pixels, clipped to the frame."""
    height, width = picture.shape[:2]
    edges = np.array([request.source_width, request.source_height], np.float64)
    lines = []
    for reading in readings:
        text = " ".join(reading.text.split())
        if text and reading.confidence >= request.min_confidence:
            corners = np.clip(reading.corners * (edges / np.array([width, height])), 0, edges).round(2)
            lines.append(_line(text, round(reading.confidence, 4), corners))
    return lines


def _line(text: str, confidence: float, corners: Corners) -> TextLine:
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    upright = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    straight = np.abs(corners - upright).max() <= SLANT * (bottom - top)
    quad = None if straight else tuple((x, y) for x, y in corners.tolist())
    return TextLine(text, confidence, (left, top, right, bottom), quad)  # type: ignore[arg-type]
