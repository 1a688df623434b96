"""The ast endpoint: a clip of audio in, the classes heard in each of its slices out. Times count from its start."""

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
    """A request for the sounds in a clip. `audio` is base64 on the wire; a worker opens it as `format` and nothing
    else.

    The clip is classified in slices of `slice_s`, one every `hop_s` (null: the model's default). The reply has the
    `top_k` most likely classes of each slice that have a score of `threshold` or more.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str | None = None  # compared with the loaded model, never loaded; null: any
    audio: bytes | SoundSamples
    format: AudioFormat
    duration_s: Annotated[Seconds, msgspec.Meta(ge=0, le=7200)]
    slice_s: Annotated[Seconds, msgspec.Meta(ge=0.1, le=60)] | None = None
    hop_s: Annotated[Seconds, msgspec.Meta(ge=0.1, le=60)] | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10
    threshold: UnitInterval = 0.3


class HeardClass(msgspec.Struct, frozen=True, gc=False):
    """A class heard in a slice. `label` is AudioSet's display name, `class_id` the model's number of it, and `score` is
    0–1, independent of the other classes: several may be heard at once."""

    class_id: int
    label: str
    score: float


class Slice(msgspec.Struct, frozen=True):
    """A slice of the clip and the classes heard in it, the most likely first."""

    start_s: Seconds
    end_s: Seconds
    classes: list[HeardClass]


class AstReply(msgspec.Struct, frozen=True, kw_only=True):
    """The reply. `slice_s` and `hop_s` are those that were used. Slices are in the order of time; the last ends with
    the clip.

    `max_batch` is how many slices fitted into the device's memory at once, if a batch had to be halved for that.
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
