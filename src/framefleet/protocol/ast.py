"""The ast endpoint: a stretch of audio in, what is heard in each slice of it out. Times count from its start."""

from typing import Annotated, Literal

import msgspec

from framefleet.protocol.envelope import (
    SCHEMA_VERSION,
    AudioFormat,
    SoundSamples,
    TimingMs,
    UnitInterval,
)
from framefleet.timebase import Seconds


class AstRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`audio` is base64 on the wire; a worker opens it as `format` and nothing else.

    It is heard in slices of `slice_s`, one every `hop_s` (null: as suits the model). Of each slice come the `top_k`
    most likely classes, those of a score of `threshold` or more.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str | None = None  # compared with the model loaded, never loaded; null: any
    audio: bytes | SoundSamples
    format: AudioFormat
    duration_s: Annotated[Seconds, msgspec.Meta(ge=0, le=7200)]
    slice_s: Annotated[Seconds, msgspec.Meta(ge=0.1, le=60)] | None = None
    hop_s: Annotated[Seconds, msgspec.Meta(ge=0.1, le=60)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    threshold: UnitInterval = 0.3


class HeardClass(msgspec.Struct, frozen=True, gc=False):
    """`label` is AudioSet's display name, `class_id` the model's own number of it, `score` 0–1 and of this class
    alone: several may be heard at once."""

    class_id: int
    label: str
    score: float


class Slice(msgspec.Struct, frozen=True):
    """What was listened to at once, and what was heard, the most likely first."""

    start_s: Seconds
    end_s: Seconds
    classes: list[HeardClass]


class AstReply(msgspec.Struct, frozen=True, kw_only=True):
    """`slice_s` and `hop_s` say what was really used. Slices are in the order of time; the last ends with the clip.

    `max_batch` is how many slices fitted into the device's memory at once, if a batch had to be halved for it.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str
    model_id: str
    device: str
    gpu: str | None = None
    slice_s: Seconds
    hop_s: Seconds
    max_batch: int | None = None
    slices: list[Slice]
    timing_ms: TimingMs = TimingMs()
