"""A transcript as subtitles: at most two lines and seven seconds at once, never two at a time. Pure."""

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
"""Letters in a line and the time on screen, as broadcasters and streaming services have them."""

_NO_TEXT, _NO_LETTER = {"Cc", "Cs", "Zl", "Zp"}, "\ufffe\uffff"
_APART_S = 0.04  # cues that begin together: one after the other

_Timed = tuple[Seconds, Seconds, str]


@dataclass(frozen=True, slots=True)
class Cue:
    """Shown from `start_s` until before `end_s`. `words` are when each begins and itself, where that is known.

    `speaker` is the id of who says it."""

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
    """Subtitles in the order of time."""

    __slots__ = ()

    def at(self, time_s: Seconds) -> Cue | None:
        place = bisect_right(self, time_s, key=lambda cue: cue.start_s) - 1
        return self[place] if place >= 0 and time_s < self[place].end_s else None


def cues_of(transcription: Transcription | None, columns: int = COLUMNS) -> Cues:
    """Segments as cues, long ones cut by the times of their words, or evenly where there are none."""
    segments = sorted(transcription.segments if transcription else [], key=lambda segment: segment.start_s)
    raw = [replace(cue, speaker=segment.speaker) for segment in segments for cue in _cut(segment, columns)]
    starts = list(accumulate((cue.start_s for cue in raw), lambda last, next: max(last + _APART_S, next)))
    ends = [*starts, float("inf")][1:]
    return Cues(
        Cue(start_s, min(max(cue.end_s, start_s + SHORTEST_S), end_s), cue.lines, cue.words, cue.speaker)
        for cue, start_s, end_s in zip(raw, starts, ends, strict=True)
    )


def cue_language(document: Document) -> str | None:
    """What they are written in: what is spoken, or English if that was asked for (Whisper translates to no other)."""
    if document.transcription is None:
        return None
    return "en" if document.config.task == "translate" else document.transcription.language


def wrapped(text: str, columns: int) -> tuple[str, ...]:
    """`text` in one line if it fits, else in two of about the same width, broken at a space if there is one."""
    if width(text) <= columns:
        return (text,)
    breaks = [at.start() for at in re.finditer(r"\s+", text)] or range(1, len(text))
    best = min(breaks, key=lambda at: max(width(text[:at]), width(text[at:].lstrip())))
    return text[:best], text[best:].lstrip()


def width(text: str) -> int:
    """In columns, of which wide letters (Chinese, Japanese, Korean) take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _cut(segment: Segment, columns: int) -> Iterator[Cue]:
    spoken = [(word.start_s, word.end_s, _plain(word.word)) for word in segment.words]
    if any(word.strip() for _, _, word in spoken):
        yield from _filled(_pieces(spoken, columns), columns)
        return
    for cue in _filled(_pieces(_evenly(segment), columns), columns):
        yield replace(cue, words=())


def _filled(pieces: list[_Timed], columns: int) -> Iterator[Cue]:
    """As many words in each as there is room and time for."""
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
    """Words none of which is wider than a line; each begins no earlier than the one before."""
    step = max(1, columns // 2)  # a word of so many letters fits in a line, however wide they are
    words: list[_Timed] = []
    for start_s, end_s, text in given:
        begin_s = max(start_s, words[-1][0]) if words else start_s
        each_s = max(0.0, end_s - begin_s) * step / len(text) if text else 0.0
        for number, at in enumerate(range(0, len(text), step)):
            words.append((begin_s + number * each_s, end_s, text[at : at + step]))
    return words if any(word.strip() for _, _, word in words) else []


def _evenly(segment: Segment) -> list[_Timed]:
    """Each word of the text gets as much of the segment as it has letters; each letter is one where none has spaces."""
    words = words_of(_plain(segment.text))
    ends = list(accumulate(map(len, words)))
    letter_s = (segment.end_s - segment.start_s) / max(1, sum(map(len, words)))
    return [
        (segment.start_s + (end - len(word)) * letter_s, segment.start_s + end * letter_s, word)
        for word, end in zip(words, ends, strict=True)
    ]


def _plain(text: str) -> str:
    """Without line breaks, other controls, and what is no character."""
    return "".join(
        " " if unicodedata.category(letter) in _NO_TEXT or letter in _NO_LETTER else letter for letter in text
    )
