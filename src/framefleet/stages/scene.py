"""What a scene is, and which one a time or a stretch of speech belongs to. Pure."""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import msgspec

from framefleet.schema.scenes import Transition
from framefleet.timebase import Seconds, Span


class Scene(msgspec.Struct, frozen=True, gc=False):
    """A stretch of the video's clock, `end_s` not included, and a time whose picture stands for all of it.

    Scenes are in the order of time, do not overlap, and `index` counts them from 0. `transition` is how the scene
    begins; null for the first one, and where nobody looked.
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
    """Scenes of spans in the order of time; each is pictured in its middle, far from what happens at either end.

    `pictured` says when instead, and `begun` how the scene that starts at a time began.
    """
    return [Scene(i, span.start_s, span.end_s, pictured(span), begun(span.start_s)) for i, span in enumerate(spans)]


def scenes_between(
    cuts: Iterable[Seconds],
    duration_s: Seconds,
    pictured: Callable[[Span], Seconds] = middle,
    begun: Callable[[Seconds], Transition | None] = lambda _: None,
) -> list[Scene]:
    """Scenes that cover a video from 0 to `duration_s` without a gap, parted at the cuts that lie within it."""
    inner = sorted({cut for cut in cuts if 0 < cut < duration_s})
    spans = (Span(start, end) for start, end in pairwise([0.0, *inner, duration_s]) if start < end)
    return scenes_of(spans, pictured, begun)


def scene_at(scenes: Sequence[Scene], time_s: Seconds) -> Scene | None:
    """The scene on screen at `time_s`; None before, between and after the scenes."""
    place = bisect_right(scenes, time_s, key=lambda scene: scene.start_s) - 1
    return scenes[place] if place >= 0 and time_s < scenes[place].end_s else None


def scene_of(scenes: Sequence[Scene], span: Span) -> Scene | None:
    """The scene that `span` shares most time with, the earlier of two that share the same; None if with none.

    A span without length belongs to the scene on screen then.
    """
    if span.end_s <= span.start_s:
        return scene_at(scenes, span.start_s)
    first = max(0, bisect_right(scenes, span.start_s, key=lambda scene: scene.start_s) - 1)
    after = bisect_right(scenes, span.end_s, key=lambda scene: scene.start_s)
    best = max(scenes[first:after], key=lambda scene: _shared_s(scene, span), default=None)
    return best if best is not None and _shared_s(best, span) > 0 else None


def _shared_s(scene: Scene, span: Span) -> Seconds:
    return min(scene.end_s, span.end_s) - max(scene.start_s, span.start_s)
