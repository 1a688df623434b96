"""Subtitle cues of a transcript: at most two lines and seven seconds each, and they never overlap. Pure."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from framefleet.results.query.phrases import words_of
from framefleet.schema.document import Document
from framefleet.schema.speech import Segment, Transcription
from framefleet.timebase import Seconds, Span

COLUMNS, LONGEST_S, SHORTEST_S = 42, 7.0, 1.0
"""Characters per line and seconds on screen, as in the guidelines of broadcasters and streaming services."""

_NO_TEXT, _NO_LETTER = {"Cc", "Cs", "Zl", "Zp"}, "\ufffe\uffff"
_APART_S = 0.04  # between cues that would otherwise begin together

_Timed = tuple[Seconds, Seconds, str]


@dataclass(frozen=True, slots=True)
class Cue:
    """A subtitle shown from `start_s` until before `end_s`. `words` are pairs of start and word, if these are known.

    `speaker` is the speaker's id, if that is known.
    """

    start_s: Seconds
    end_s: Seconds
    lines: tuple[str, ...]
    words: tuple[tuple[Seconds, str], ...] = ()
    speaker: str | None = None

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def touches(self, part: Span) -> bool:
        return self.start_s < part.end_s and self.end_s > part.start_s


class Cues(tuple[Cue, ...]):
    """Subtitles, ordered by time."""

    __slots__ = ()

    def at(self, time_s: Seconds) -> Cue | None:
        place = bisect_right(self, time_s, key=lambda cue: cue.start_s) - 1
        return self[place] if place >= 0 and time_s < self[place].end_s else None


def cues_of(transcription: Transcription | None, columns: int = COLUMNS) -> Cues:
    """Return the segments as cues; long ones are cut at word times, or evenly if the words have no times."""
    segments = sorted(transcription.segments if transcription else [], key=lambda segment: segment.start_s)
    raw = [replace(cue, speaker=segment.speaker) for segment in segments for cue in _cut(segment, columns)]
    starts = list(accumulate((cue.start_s for cue in raw), lambda last, next: max(last + _APART_S, next)))
    ends = [*starts, float("inf")][1:]
    return Cues(
        Cue(start_s, min(max(cue.end_s, start_s + SHORTEST_S), end_s), cue.lines, cue.words, cue.speaker)
        for cue, start_s, end_s in zip(raw, starts, ends, strict=True)
    )


def cue_language(document: Document) -> str | None:
    """Return the language of the subtitles: the spoken one, or English for a translation (Whisper has no other)."""
    if document.transcription is None:
        return None
    return "en" if document.config.task == "translate" else document.transcription.language


def wrapped(text: str, columns: int) -> tuple[str, ...]:
    """Return `text` as one line if it fits, else as two of about the same width, broken at a space if it has one."""
    if width(text) <= columns:
        return (text,)
    breaks = [at.start() for at in re.finditer(r"\s+", text)] or range(1, len(text))
    best = min(breaks, key=lambda at: max(width(text[:at]), width(text[at:].lstrip())))
    return text[:best], text[best:].lstrip()


def width(text: str) -> int:
    """Return the width of `text` in columns; wide characters (Chinese, Japanese, Korean) take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _cut(segment: Segment, columns: int) -> Iterator[Cue]:
    spoken = [(word.start_s, word.end_s, _plain(word.word)) for word in segment.words]
    if any(word.strip() for _, _, word in spoken):
        yield from _filled(_pieces(spoken, columns), columns)
        return
    for cue in _filled(_pieces(_evenly(segment), columns), columns):
        yield replace(cue, words=())


def _filled(pieces: list[_Timed], columns: int) -> Iterator[Cue]:
    """Yield cues with as many words each as fit into the lines and `LONGEST_S`."""
    taken: list[_Timed] = []
    for start_s, end_s, word in pieces:
        text = "".join(word for _, _, word in taken) + word
        too_wide = max(map(width, wrapped(text.strip(), columns))) > columns
        if taken and (too_wide or end_s - taken[0][0] > LONGEST_S):
            yield _joined(taken, columns)
            taken = []
        taken.append((start_s, end_s, word))
    if taken:
        yield _joined(taken, columns)


def _joined(words: list[_Timed], columns: int) -> Cue:
    text = " ".join("".join(word for _, _, word in words).split())
    timed = tuple((start_s, word) for start_s, _, word in words)
    return Cue(words[0][0], max(end_s for _, end_s, _ in words), wrapped(text, columns), timed)


def _pieces(given: list[_Timed], columns: int) -> list[_Timed]:
    """Split words that are wider than a line, and make each begin no earlier than the one before."""
    step = max(1, columns // 2)  # this many characters fit in a line even if all of them are wide
    words: list[_Timed] = []
    for start_s, end_s, text in given:
        begin_s = max(start_s, words[-1][0]) if words else start_s
        each_s = max(0.0, end_s - begin_s) * step / len(text) if text else 0.0
        for number, at in enumerate(range(0, len(text), step)):
            words.append((begin_s + number * each_s, end_s, text[at : at + step]))
    return words if any(word.strip() for _, _, word in words) else []


def _evenly(segment: Segment) -> list[_Timed]:
    """Give each word of the text a share of the segment by its length; in scripts without spaces each letter is one."""
    words = words_of(_plain(segment.text))
    ends = list(accumulate(map(len, words)))
    letter_s = (segment.end_s - segment.start_s) / max(1, sum(map(len, words)))
    return [
        (segment.start_s + (end - len(word)) * letter_s, segment.start_s + end * letter_s, word)
        for word, end in zip(words, ends, strict=True)
    ]


def _plain(text: str) -> str:
    """Replace line breaks, other control characters and noncharacters by spaces."""
    return "".join(
        " " if unicodedata.category(letter) in _NO_TEXT or letter in _NO_LETTER else letter for letter in text
    )
