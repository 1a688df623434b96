"""The ocr endpoint: pictures in, lines of text out."""

from typing import Annotated, Literal

import msgspec

from framefleet.protocol.envelope import (
    SCHEMA_VERSION,
    Box,
    FrameSource,
    Side,
    TimingMs,
    UnitInterval,
)
from framefleet.timebase import Seconds

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Top left, top right, bottom right and bottom left of a line as it is read, in source pixels."""


class OcrRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`source_width` × `source_height` is the pixel grid the boxes come back in, whatever the JPEG's own size.

    Text is looked for in the picture scaled so that its longer side has at most `max_side` pixels, and read in the
    picture as it was sent. Lines read with less than `min_confidence` are left out.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str | None = None  # compared with the model loaded, never loaded; null: any
    source: FrameSource
    source_width: Side
    source_height: Side
    max_side: Annotated[int, msgspec.Meta(ge=32, le=4096)] = 1280
    min_confidence: UnitInterval = 0.5


class TextLine(msgspec.Struct, frozen=True, gc=False):
    """`box` holds the line upright; `quad` is null where the line fills it, and else says how it lies."""

    text: str
    confidence: float
    box: Box
    quad: Quad | None = None


class OcrFrame(msgspec.Struct, frozen=True):
    """`lines` is null where the picture was not read: `error` says why, or its text is that of the picture before.

    `unchanged` is the client's own note of the latter; a worker leaves it out.
    """

    index: int
    time_s: Seconds
    lines: list[TextLine] | None
    error: str | None = None
    unchanged: bool = False


class OcrReply(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str
    model_id: str
    device: str
    gpu: str | None = None
    frames: list[OcrFrame]
    timing_ms: TimingMs = TimingMs()
