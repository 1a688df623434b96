"""The service's time: real, or faster, so that a minute passes in a second; tests have a clock of their own."""

import time
from typing import Protocol

from framefleet.timebase import Seconds


class ServiceClock(Protocol):
    """A clock whose call returns the service's seconds, which only grow."""

    def __call__(self) -> Seconds: ...

    def real(self, seconds: Seconds) -> Seconds:
        """Return how many real seconds pass in so many of the service's."""


class ScaledClock:
    """A clock on which `scale` seconds pass in a real one. Counts from 0."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._began = time.monotonic()

    def __call__(self) -> Seconds:
        return (time.monotonic() - self._began) * self._scale

    def real(self, seconds: Seconds) -> Seconds:
        return seconds / self._scale
