"""The conversion of times in a clip, which may be joined from several stretches, to the video's clock. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from framefleet.timebase import Seconds, Span

if TYPE_CHECKING:  # its package loads numpy, which commands that only read documents do without
    from framefleet.protocol.whisper import WhisperSegment, WhisperWord


@dataclass(frozen=True, slots=True)
class ClipStretch:
    """A stretch of sound in a clip: its span within the clip, and its start on the video's clock."""

    sent: Span
    start_s: Seconds

    def clock(self, time_s: Seconds) -> Seconds:
        """Return a time in the clip on the video's clock; a time outside the stretch is clamped to it."""
        return self.start_s + (min(max(time_s, self.sent.start_s), self.sent.end_s) - self.sent.start_s)


class HasWord(Protocol):
    """A word, of a reply or of a document."""

    @property
    def word(self) -> str: ...


def stretches(kept: Sequence[Span]) -> list[ClipStretch]:
    """Return the stretches of a clip that is joined from these spans of the video's clock."""
    begin = accumulate((span.length_s for span in kept), initial=0.0)
    return [
        ClipStretch(Span(at_s, at_s + span.length_s), span.start_s) for at_s, span in zip(begin, kept, strict=False)
    ]


def stretch_at(clip: Sequence[ClipStretch], time_s: Seconds) -> ClipStretch:
    """Return the stretch at a time in the clip; the later one if two meet there."""
    return clip[max(0, bisect_right(clip, time_s, key=lambda stretch: stretch.sent.start_s) - 1)]


def placed(segment: "WhisperSegment", clip: Sequence[ClipStretch]) -> "list[WhisperSegment]":
    """Return the segment on the video's clock, to the millisecond, in one part per stretch that has words of it.

    A word, or a segment without words, belongs to the stretch of its middle, and is clipped to that.
    """
    if not segment.words:
        return [_part(segment, _home(segment, clip), segment.text, [])]
    runs = [(home, list(words)) for home, words in groupby(segment.words, key=lambda word: _home(word, clip))]
    texts = texts_of_runs(segment.text, [words for _, words in runs])
    parts = []
    for number, ((home, words), text) in enumerate(zip(runs, texts, strict=True)):
        start_s = words[0].start_s if number else segment.start_s
        end_s = words[-1].end_s if number < len(runs) - 1 else segment.end_s
        parts.append(_part(replace(segment, start_s=start_s, end_s=end_s), home, text, words))
    return parts


def _home(piece: "WhisperSegment | WhisperWord", clip: Sequence[ClipStretch]) -> ClipStretch:
    return stretch_at(clip, (piece.start_s + piece.end_s) / 2)


def _part(segment: "WhisperSegment", home: ClipStretch, text: str, words: "Sequence[WhisperWord]") -> "WhisperSegment":
    def moved(time_s: Seconds) -> Seconds:
        return round(home.clock(time_s), 3)

    start_s = moved(segment.start_s)
    return replace(
        segment,
        start_s=start_s,
        end_s=max(start_s, moved(segment.end_s)),
        text=text.strip(),
        words=[replace(word, start_s=moved(word.start_s), end_s=moved(word.end_s)) for word in words],
    )


def texts_of_runs(text: str, runs: Sequence[Sequence[HasWord]]) -> list[str]:
    """Return `text` in as many parts as there are runs of its words.

    Words may lack the commas and spaces around them, and may be spelled differently than in the text.
    """
    edges, read = [0], len(text) - len(text.lstrip())
    for run, words in enumerate(runs):
        for number, word in enumerate(words):
            bare = word.word.strip()
            at = text.find(bare, read)
            if run and number == 0:
                edges.append(_edge(text, read, at))
                read = min(edges[-1] + 1, len(text)) if at < 0 else read
            if at >= 0:
                read = at + len(bare)
    return [text[start:end] for start, end in pairwise([*edges, len(text)])]


def _edge(text: str, read: int, at: int) -> int:
    """Return where to split the text between a word that ends at `read` and one that begins at `at`: the last space.

    If the next word was not found (−1), it is the first space.
    """
    if at < 0:
        return max(read, text.find(" ", read))
    space = text.rfind(" ", read, at)
    return at if space < 0 else space
