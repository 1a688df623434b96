"""The whisper endpoint: a stretch of audio in, segments of text out. Times count from the start of the stretch."""

from typing import Annotated, Literal

import msgspec

from framefleet.protocol.envelope import SCHEMA_VERSION, AudioFormat, SoundSamples, TimingMs
from framefleet.timebase import Seconds

Task = Literal["transcribe", "translate"]


class WhisperRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`audio` is base64 on the wire; a worker opens it as `format` and nothing else."""

    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str | None = None
    audio: bytes | SoundSamples
    format: AudioFormat
    duration_s: Annotated[Seconds, msgspec.Meta(ge=0, le=7200)]
    language: str | None = None
    task: Task = "transcribe"
    word_timestamps: bool = True
    vad_filter: bool = True
    beam_size: Annotated[int, msgspec.Meta(ge=1, le=20)] = 5


class WhisperWord(msgspec.Struct, frozen=True, gc=False):
    """`word` keeps Whisper's leading space."""

    start_s: Seconds
    end_s: Seconds
    word: str
    probability: float


class WhisperSegment(msgspec.Struct, frozen=True):
    start_s: Seconds
    end_s: Seconds
    text: str
    avg_logprob: float
    no_speech_prob: float
    words: list[WhisperWord] = []


class WhisperReply(msgspec.Struct, frozen=True, kw_only=True):
    schema_version: Literal["1"] = SCHEMA_VERSION
    model: str
    model_id: str
    device: str
    gpu: str | None = None
    language: str
    language_probability: float
    segments: list[WhisperSegment]
    timing_ms: TimingMs = TimingMs()
