"""The result of the speech stage."""

import msgspec

from framefleet.timebase import Seconds


class Word(msgspec.Struct, frozen=True, gc=False):
    """A word of a segment. `word` keeps Whisper's leading space; `speaker` is an id in `speakers`, null if unknown."""

    start_s: Seconds
    end_s: Seconds
    word: str
    probability: float
    speaker: str | None = None


class Segment(msgspec.Struct, frozen=True):
    start_s: Seconds
    end_s: Seconds
    text: str
    avg_logprob: float
    no_speech_prob: float
    words: list[Word] = []
    speaker: str | None = None


class Skipped(msgspec.Struct, frozen=True):
    """A stretch of sound that was not analyzed, and why."""

    start_s: Seconds
    end_s: Seconds
    reason: str


class Transcription(msgspec.Struct, frozen=True):
    """The transcript. Times are on the video's clock, segments in their order; `language` is null without speech."""

    language: str | None
    text: str
    segments: list[Segment]
    skipped: list[Skipped] = []
