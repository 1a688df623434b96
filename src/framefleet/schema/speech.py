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
    """A sentence or part of one. `language` is its own; null if it was not detected for it alone.

    `doubtful`, which is absent unless true: the same words again and again, which Whisper may have invented.
    """

    start_s: Seconds
    end_s: Seconds
    text: str
    avg_logprob: float
    no_speech_prob: float
    words: list[Word] = []
    speaker: str | None = None
    language: str | None = None
    doubtful: bool | msgspec.UnsetType = msgspec.UNSET


class Skipped(msgspec.Struct, frozen=True):
    """A stretch of sound that was not analyzed, and why."""

    start_s: Seconds
    end_s: Seconds
    reason: str


class Transcription(msgspec.Struct, frozen=True):
    """The transcript. Times are on the video's clock, segments in their order.

    `language` is the one spoken longest, null without speech. `language_probability` is how sure that is, from 0 to 1:
    below 0.5 it may be wrong.
    """

    language: str | None
    text: str
    segments: list[Segment]
    skipped: list[Skipped] = []
    language_probability: float | None = None

    @property
    def other_languages(self) -> list[str]:
        """The languages of segments in another than `language`, in the order in which they are first spoken."""
        return [
            one
            for one in dict.fromkeys(segment.language for segment in self.segments)
            if one not in {None, self.language}
        ]
