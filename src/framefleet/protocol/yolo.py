"""The yolo endpoint: frames in, boxes out."""

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


class YoloRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request for the objects in frames. Boxes in the reply are in the pixels of `source_width` × `source_height`,
    whatever the JPEG's own size."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str | None = None  # compared with the loaded model, never loaded; null: any
    source: FrameSource
    source_width: Side
    source_height: Side
    conf: UnitInterval = 0.15
    iou: UnitInterval = 0.5
    imgsz: Annotated[int, msgspec.Meta(ge=32, le=4096)] = 1280
    half: bool = True
    max_det: Annotated[int, msgspec.Meta(ge=1, le=3000)] = 300
    classes: list[int] | None = None


class YoloObject(msgspec.Struct, frozen=True, gc=False):
    """A detected object. `box` is x1, y1, x2, y2 in source pixels; `confidence` is 0–1."""

    class_id: int
    label: str
    confidence: float
    box: Box


class FrameReply(msgspec.Struct, frozen=True):
    """The objects of one frame. `objects` is null exactly if `error` says why the frame could not be processed."""

    index: int
    time_s: Seconds
    objects: list[YoloObject] | None
    error: str | None = None


class YoloReply(msgspec.Struct, frozen=True, kw_only=True):
    """The reply. `imgsz` and `half` are those that were used, null if a worker does not report them. `imgsz_fixed`: the
    model takes that size only, whatever was requested.

    `max_batch` is how many frames fitted into the GPU's memory at once, if the batch had to be halved for that.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str
    model_id: str
    device: str
    gpu: str | None = None
    imgsz: int | None = None
    imgsz_fixed: bool | None = None
    half: bool | None = None
    max_batch: int | None = None
    frames: list[FrameReply]
    timing_ms: TimingMs = TimingMs()
