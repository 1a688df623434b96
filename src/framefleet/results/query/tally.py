"""Statistics of objects, sounds and texts: count, first and last time, and distribution over time. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from math import ceil, floor

import msgspec

from framefleet.results.query import kinds
from framefleet.results.query.intervals import frame_intervals
from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS
from framefleet.stages.spec import Presentation
from framefleet.timebase import Seconds, Span

LEVELS = 60  # bins that the time is divided into

Level = float | None
"""From 0 for nothing to 1 for the maximum of its kind; None for a bin without samples."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one label or text. `count` is of boxes, sound events or text spans; `tracks` may be unknown."""

    label: str
    count: int
    tracks: int | None = None
    first_s: Seconds
    last_s: Seconds
    levels: list[Level]


def extent(document: Document) -> Span:
    """Return the span from the first frame or sound of the video to its last."""
    video, audio = document.video, document.video.audio
    if audio is None:
        return Span(0.0, video.duration_s)
    starts, ends = (0.0, audio.start_s), (video.duration_s, audio.start_s + audio.duration_s)
    return Span(min(starts), max(ends))


def seen(document: Document, span: Span) -> list[Tally]:
    """Return the labels by number of boxes, descending. A level is of boxes per frame."""
    bins = _Bins(span)
    looked = [0] * LEVELS
    found: dict[str, list[int]] = defaultdict(lambda: [0] * LEVELS)
    times: dict[str, list[Seconds]] = defaultdict(list)
    for look, picture in frame_intervals(document):
        if picture.objects is None:
            continue
        labels = [thing.label for thing in picture.objects]
        for place in bins.places(look):
            looked[place] += 1
            for label in labels:
                found[label][place] += 1
        for label in labels:
            times[label].append(look.start_s)
    tracks: dict[str, int] = defaultdict(int)
    for track in document.tracks.tracks if document.tracks else ():
        tracks[track.label] += 1
    return [
        Tally(
            label=label,
            count=len(times[label]),
            tracks=tracks[label] if document.tracks else None,
            first_s=times[label][0],
            last_s=times[label][-1],
            levels=_relative([n / pictures if pictures else None for n, pictures in zip(counts, looked, strict=True)]),
        )
        for label, counts in sorted(found.items(), key=lambda item: -len(times[item[0]]))
    ]


def counts(document: Document, stage: str, span: Span) -> list[Tally]:
    """Return statistics of a stage's result: labels of boxes, or names by their duration in `span`, descending.

    A level of the latter is the share of the bin that is covered.
    """
    if kinds.presentation_of(stage) is Presentation.FRAMES:
        return seen(kinds.as_field(document, stage), span)
    return _lasting(((one.name, one.start_s, one.end_s) for one in kinds.spans_of(document, stage)), span)


def counted(document: Document) -> list[str]:
    """Return the stages with such statistics: all with a field of their own, and further ones in the document."""
    ours = [name for name, spec in SPECS.items() if spec.output.key is not None]
    return [name for name in dict.fromkeys([*ours, *document.further]) if kinds.presentation_of(name) in _COUNTED]


_COUNTED = (Presentation.FRAMES, Presentation.SPANS)


def _lasting(found: Iterable[tuple[str, Seconds, Seconds]], span: Span) -> list[Tally]:
    stretches: dict[str, list[Span]] = defaultdict(list)
    for label, *edges in found:
        start_s, end_s = (min(max(edge_s, span.start_s), span.end_s) for edge_s in edges)
        stretches[label].append(Span(start_s, end_s))
    bins = _Bins(span)
    return [
        Tally(
            label=label,
            count=len(spans),
            first_s=min(s.start_s for s in spans),
            last_s=max(s.end_s for s in spans),
            levels=bins.covered(spans),
        )
        for label, spans in sorted(stretches.items(), key=lambda item: -sum(s.length_s for s in item[1]))
    ]


_LONGEST_S = 1e300


class _Bins:
    """`LEVELS` bins of equal length."""

    def __init__(self, span: Span) -> None:
        self.start_s, self.length_s = span.start_s, min(max(span.length_s, 1e-9), _LONGEST_S) / LEVELS

    def places(self, span: Span) -> range:
        """Return the indices of the bins that `span` overlaps, at least the one in which it begins."""
        edges = ((edge_s - self.start_s) / self.length_s for edge_s in (span.start_s, span.end_s))
        begins, ends = (min(max(edge, 0.0), LEVELS) for edge in edges)
        first = min(floor(begins), LEVELS - 1)
        return range(first, max(first + 1, ceil(ends)))

    def covered(self, spans: Iterable[Span]) -> list[Level]:
        """Return the share of each bin that `spans` cover; a span without length counts as 1 % of a bin."""
        shares = [0.0] * LEVELS
        for span in spans:
            for place in self.places(span):
                start_s = self.start_s + place * self.length_s
                shared_s = min(span.end_s, start_s + self.length_s) - max(span.start_s, start_s)
                shares[place] += max(shared_s / self.length_s, 0.01)
        return [min(1.0, share) for share in shares]


def _relative(levels: list[Level]) -> list[Level]:
    most = max((level for level in levels if level is not None), default=0.0) or 1.0
    return [None if level is None else level / most for level in levels]
