"""Telling how far the rendering is."""

import time
from fractions import Fraction
from types import TracebackType
from typing import Self

from framefleet.progress import ItemDone, Listener, StageDone, StageStarted
from framefleet.units import Seconds

_STAGE = "render"
_PAUSE_S = 0.2  # between two events: often enough to look at


class News:
    """Tells a listener of the seconds of video that are done."""

    def __init__(self, listener: Listener, length_s: Seconds) -> None:
        self._listener, self._length_s = listener, length_s
        self._told_s, self._count = 0.0, 0
        self._at = time.monotonic()

    def __enter__(self) -> Self:
        self._listener(StageStarted(_STAGE, "local", 0, round(self._length_s, 3), "s"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._listener(StageDone(_STAGE))

    def reached(self, place: Fraction) -> None:
        """`place` is the time of the picture being encoded, from the new video's beginning."""
        now = time.monotonic()
        if now - self._at < _PAUSE_S:
            return
        units = float(place) - self._told_s
        self._listener(ItemDone(_STAGE, self._count, units, 0, now - self._at))
        self._told_s, self._at, self._count = float(place), now, self._count + 1
