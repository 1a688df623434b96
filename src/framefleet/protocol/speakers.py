"""The speakers endpoint: a stretch of audio in, its voices out. Times count from the start of the stretch.

It may be served by the image of the whisper endpoint: `task` tells the two kinds of request apart, and an image that
does not know this one refuses it.
"""

from typing import Annotated, Literal

import msgspec

from framefleet.protocol.envelope import SCHEMA_VERSION, AudioFormat, SoundSamples, TimingMs
from framefleet.timebase import Seconds

CENTRE = 256
"""Numbers in a voice's centre."""

TASK: Literal["speakers"] = "speakers"


class SpeakersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`audio` is base64 on the wire; a worker opens it as `format` and nothing else.

    `number` is how many people speak in this clip, `most` how many at most; null if unknown.
    """

    schema_version: Literal["1"] = SCHEMA_VERSION
    task: Literal["speakers"] = TASK
    model: str | None = None
    audio: bytes | SoundSamples
    format: AudioFormat
    duration_s: Annotated[Seconds, msgspec.Meta(ge=0, le=7200)]
    number: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None
    most: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None


class VoiceTurn(msgspec.Struct, frozen=True, gc=False):
    start_s: Seconds
    end_s: Seconds


class HeardVoice(msgspec.Struct, frozen=True):
    """One person's speech in the clip.

    `centre` is the mean vector of the voice, 256 little-endian float16 of length 1: biometric data.
    """

    centre: bytes
    turns: list[VoiceTurn]


class SpeakersReply(msgspec.Struct, frozen=True, kw_only=True):
    """Voices are in the order in which they are first heard; turns of different voices may overlap."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str
    model_id: str
    device: str
    gpu: str | None = None
    voices: list[HeardVoice]
    timing_ms: TimingMs = TimingMs()
