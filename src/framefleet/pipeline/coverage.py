"""The spans of a video of which a watching stage got no frame. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from framefleet.media.types import Sample
from framefleet.timebase import Seconds, Span, seconds


class UndecodedSpan(NamedTuple):
    """A span from the first missing frame's time to that of the next one that arrived, and the reason."""

    span: Span
    error: str


class UndecodedSpans:
    """The missing frames of an order. Neighbours that are missing for the same reason are stored as one span."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._runs: list[tuple[int, int, str]] = []  # places of the first one and of the one after the last

    def add(self, place: int, error: str) -> None:
        """Add the missing frame at this index; indices ascend."""
        if self._runs and self._runs[-1][1:] == (place, error):
            self._runs[-1] = (self._runs[-1][0], place + 1, error)
        else:
            self._runs.append((place, place + 1, error))

    @property
    def all(self) -> bool:
        """Whether no frame arrived at all."""
        return sum(after - first for first, after, _ in self._runs) == len(self._samples) > 0

    @property
    def stretches(self) -> list[UndecodedSpan]:
        return [UndecodedSpan(Span(self._time(first), self._time(after)), error) for first, after, error in self._runs]

    def _time(self, place: int) -> Seconds:
        """Return the time of the frame at this index; after the last one, where the next would be."""
        if place < len(self._samples):
            return self._samples[place].time_s
        last, before = self._samples[-1], self._samples[max(0, place - 2)]
        return seconds(2 * last.time - before.time)
