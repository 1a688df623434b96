"""What is said."""

import msgspec

from framefleet.timebase import Seconds


class Word(msgspec.Struct, frozen=True, gc=False):
    """`word` keeps Whisper's leading space; `speaker` is an id of `speakers`, null where nobody knows."""

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
    """A stretch nobody was asked about, and why."""

    start_s: Seconds
    end_s: Seconds
    reason: str


class Transcription(msgspec.Struct, frozen=True):
    """What is said. Times are on the video's clock, segments in their order; `language` is null if none is heard."""

    language: str | None
    text: str
    segments: list[Segment]
    skipped: list[Skipped] = []
