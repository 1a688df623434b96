"""The grouping of repeated readings into spans: the same words in the same place, frame after frame. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from framefleet.protocol.envelope import Box
from framefleet.protocol.ocr import TextLine
from framefleet.schema.text import TextSpan
from framefleet.timebase import Seconds
from framefleet.tracking.boxes import overlap

OVERLAP = 0.3  # IoU: the box of a text varies a little from reading to reading, and the text may move
SLIPS = 0.2  # share of characters that may be misread: "Departures" and "Departure5", not "left" and "lift"
BRIDGE_S: Seconds = 1.0  # a text that is back within this time, or after one frame, was only missed in between


@dataclass(frozen=True, slots=True)
class PictureLines:
    """A frame's lines; None: those of the frame that ends where this one begins.

    The next frame begins at `end_s`, but this one is assumed to be on screen only until `until_s`: the same time with
    exact sampling, an earlier one if the next keyframe is far away.
    """

    start_s: Seconds
    end_s: Seconds
    until_s: Seconds
    lines: tuple[TextLine, ...] | None


@dataclass(slots=True)
class _Open:
    """A span that may still continue, with at least one reading."""

    start_s: Seconds
    end_s: Seconds
    until_s: Seconds
    readings: list[TextLine]

    def goes_on(self, picture: PictureLines) -> None:
        self.end_s, self.until_s = picture.end_s, picture.until_s

    def closed(self) -> TextSpan:
        best = _best(self.readings)
        count = len(self.readings)
        return TextSpan(best.text, self.start_s, self.until_s, best.box, best.confidence, count, best.quad)


def spans_of(shown: Sequence[PictureLines]) -> list[TextSpan]:
    """Return the spans of the text in frames in the order of time; each frame's lines may be in any order."""
    going: list[_Open] = []
    closed: list[TextSpan] = []
    for picture in shown:
        if picture.lines is None:
            for span in going:
                if span.end_s == picture.start_s:
                    span.goes_on(picture)
            continue
        oldest_s = picture.start_s - max(BRIDGE_S, picture.until_s - picture.start_s) - 1e-6
        closed += [span.closed() for span in going if span.end_s < oldest_s]
        going = [span for span in going if span.end_s >= oldest_s]
        going += _gone_on(going, picture, sorted(picture.lines, key=_order))
    closed += [span.closed() for span in going]
    return sorted(closed, key=lambda span: (span.start_s, span.box[1], span.box[0], span.text, span.end_s))


def _gone_on(going: Sequence[_Open], picture: PictureLines, lines: Sequence[TextLine]) -> list[_Open]:
    """Add the lines to the spans they continue, and return new spans for the others."""
    begun = []
    for line, span in zip(lines, _matched(lines, going), strict=True):
        if span is None:
            begun.append(_Open(picture.start_s, picture.end_s, picture.until_s, [line]))
        else:
            span.goes_on(picture)
            span.readings.append(line)
    return begun


def same_text(one: str, other: str) -> bool:
    """Return whether both may be readings of one text: nearly all characters agree, and every digit does."""
    a, b = _plain(one), _plain(other)
    if a == b:
        return True
    if [c for c in a if c.isdecimal()] != [c for c in b if c.isdecimal()]:
        return False  # a clock, a score or a page number changes by one digit
    most = int(SLIPS * max(len(a), len(b)))
    return abs(len(a) - len(b)) <= most and edit_distance(a, b) <= most


def edit_distance(a: str, b: str) -> int:
    """Return how many characters have to be inserted, deleted or replaced (Levenshtein)."""
    row = list(range(len(b) + 1))
    for number, left in enumerate(a, 1):
        changed = [
            min(above + 1, corner + (left != right)) for above, corner, right in zip(row[1:], row, b, strict=False)
        ]
        row = list(accumulate(changed, lambda before, cost: min(before + 1, cost), initial=number))
    return row[-1]


def _matched(lines: Sequence[TextLine], spans: Sequence[_Open]) -> list[_Open | None]:
    """Return for each line the span it continues, or None. Pairs are matched greedily, largest overlap first."""
    pairs = [
        (overlap(line.box, span.readings[-1].box), place, number)
        for place, line in enumerate(lines)
        for number, span in enumerate(spans)
    ]
    found: dict[int, int] = {}
    for _, place, number in sorted((p for p in pairs if p[0] >= OVERLAP), key=lambda p: (-p[0], p[1], p[2])):
        free = place not in found and number not in found.values()
        if free and same_text(lines[place].text, spans[number].readings[-1].text):
            found[place] = number
    return [spans[found[place]] if place in found else None for place in range(len(lines))]


def _best(readings: Sequence[TextLine]) -> TextLine:
    """Return the most confident reading of the text with the most votes, weighted by confidence."""
    votes: dict[str, float] = defaultdict(float)
    for line in readings:
        votes[line.text] += line.confidence
    return min(readings, key=lambda line: (-votes[line.text], -line.confidence, _order(line)))


def _order(line: TextLine) -> tuple[float, float, str, float, Box]:
    return line.box[1], line.box[0], line.text, line.confidence, line.box


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
