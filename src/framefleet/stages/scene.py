"""Scenes, and which one a time or a span belongs to. Pure."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from framefleet.schema.scenes import Transition
from framefleet.timebase import Seconds, Span


class Scene(msgspec.Struct, frozen=True, gc=False):
    """A span of the video's clock, `end_s` exclusive, and the time of the frame that represents it.

    Scenes are in the order of time, do not overlap, and `index` counts them from 0. `transition` is how the scene
    begins; null for the first one, and if it was not detected.
    """

    index: int
    start_s: Seconds
    end_s: Seconds
    thumbnail_s: Seconds
    transition: Transition | None = None

    @property
    def span(self) -> Span:
        return Span(self.start_s, self.end_s)


def middle(span: Span) -> Seconds:
    return round((span.start_s + span.end_s) / 2, 6)


def scenes_of(
    spans: Iterable[Span],
    pictured: Callable[[Span], Seconds] = middle,
    begun: Callable[[Seconds], Transition | None] = lambda _: None,
) -> list[Scene]:
    """Return scenes for spans in the order of time. `pictured` returns the time of a scene's thumbnail, `begun` the
    transition at its start.

    By default a thumbnail is in the middle of its scene, far from the transitions at both ends.
    """
    return [Scene(i, span.start_s, span.end_s, pictured(span), begun(span.start_s)) for i, span in enumerate(spans)]


def scenes_between(
    cuts: Iterable[Seconds],
    parts: Sequence[Span],
    pictured: Callable[[Span], Seconds] = middle,
    begun: Callable[[Seconds], Transition | None] = lambda _: None,
) -> list[Scene]:
    """Return scenes that cover these parts of a video without a gap, divided at the cuts within them."""
    cuts = sorted(set(cuts))
    spans = (
        Span(start, end)
        for part in parts
        for start, end in pairwise([part.start_s, *_inside(cuts, part), part.end_s])
        if start < end
    )
    return scenes_of(spans, pictured, begun)


def end_after(parts: Sequence[Span], time_s: Seconds) -> Seconds:
    """Return the end of the part that `time_s` is in, or else of the one before it."""
    return parts[max(0, bisect_right(parts, time_s, key=lambda part: part.start_s) - 1)].end_s


def _inside(cuts: Iterable[Seconds], part: Span) -> list[Seconds]:
    return [cut for cut in cuts if part.start_s < cut < part.end_s]


def scene_at(scenes: Sequence[Scene], time_s: Seconds) -> Scene | None:
    """Return the scene at `time_s`; None before, between and after the scenes."""
    place = bisect_right(scenes, time_s, key=lambda scene: scene.start_s) - 1
    return scenes[place] if place >= 0 and time_s < scenes[place].end_s else None


def scene_of(scenes: Sequence[Scene], span: Span) -> Scene | None:
    """Return the scene that overlaps `span` longest, the earlier of two equal ones; None if none does.

    An empty span belongs to the scene at its time.
    """
    if span.end_s <= span.start_s:
        return scene_at(scenes, span.start_s)
    first = max(0, bisect_right(scenes, span.start_s, key=lambda scene: scene.start_s) - 1)
    after = bisect_right(scenes, span.end_s, key=lambda scene: scene.start_s)
    best = max(scenes[first:after], key=lambda scene: _shared_s(scene, span), default=None)
    return best if best is not None and _shared_s(best, span) > 0 else None


def _shared_s(scene: Scene, span: Span) -> Seconds:
    return min(scene.end_s, span.end_s) - max(scene.start_s, span.start_s)
