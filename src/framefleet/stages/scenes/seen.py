"""The times with a decoded frame, which can serve as a scene's thumbnail. Pure."""

from bisect import bisect_right
from math import inf

from framefleet.stages.scene import middle
from framefleet.timebase import Seconds, Span


class SeenSpans:
    """The spans of the video with decoded frames, in the order of time. The last one is open until a gap is added."""

    def __init__(self) -> None:
        self._since: list[Seconds] = []
        self._until: list[Seconds] = []
        self._last_s: Seconds = 0.0

    def picture(self, time_s: Seconds) -> None:
        """Add a frame at `time_s`. The span extends from the frame before if there is no gap between them."""
        if not self._until or self._until[-1] < inf:
            self._since.append(time_s)
            self._until.append(inf)
        self._last_s = time_s

    def gap(self) -> None:
        """Add a gap after the last frame."""
        if self._until:
            self._until[-1] = min(self._until[-1], self._last_s)

    def nearest(self, span: Span) -> Seconds:
        """Return the time of a frame within `span` that is nearest to its middle; the middle if there is none."""
        middle_s = middle(span)
        place = bisect_right(self._since, middle_s)
        near = [min(middle_s, self._until[place - 1])] if place else []
        near += self._since[place : place + 1]
        inside = [time for time in near if span.start_s <= time < span.end_s]
        return min(inside, key=lambda time: abs(time - middle_s), default=middle_s)
