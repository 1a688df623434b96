"""The ocr endpoint: frames in, lines of text out."""

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
"""Top left, top right, bottom right and bottom left of a line in reading direction, in source pixels."""


class OcrRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for the text in frames. Boxes in the reply are in the pixels of `source_width` × `source_height`,
    whatever the JPEG's own size.

    Text is detected in the frame scaled to at most `max_side` pixels on the longer side, and read in the frame as it
    was sent. Lines with a confidence below `min_confidence` are left out.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str | None = None  # compared with the loaded model, never loaded; null: any
    source: FrameSource
    source_width: Side
    source_height: Side
    max_side: Annotated[int, msgspec.Meta(ge=32, le=4096)] = 1280
    min_confidence: UnitInterval = 0.5


class TextLine(msgspec.Struct, frozen=True, gc=False):
    """A line of text. `box` is its upright bounding box; `quad` has its corners, null if the line fills the box."""

    text: str
    confidence: float
    box: Box
    quad: Quad | None = None


class OcrFrame(msgspec.Struct, frozen=True):
    """The lines of one frame. `lines` is null if it was not read: for `error`, or as the frame before has the same
    text.

    The client sets `unchanged` for the latter; a worker leaves it out.
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
