"""The service's time: real, or faster, so that a minute passes in a second; tests bring a clock of their own."""

import time
from typing import Protocol

from framefleet.timebase import Seconds


class ServiceClock(Protocol):
    """Calling it gives the service's seconds; they only ever grow."""

    def __call__(self) -> Seconds: ...

    def real(self, seconds: Seconds) -> Seconds:
        """How long that many of the service's seconds are for whoever waits them."""


class ScaledClock:
    """`scale` seconds of the service pass in a real one. Counts from 0."""

    def __init__(self, scale: float = 1.0) -> None:
        self._scale = scale
        self._began = time.monotonic()

    def __call__(self) -> Seconds:
        return (time.monotonic() - self._began) * self._scale

    def real(self, seconds: Seconds) -> Seconds:
        return seconds / self._scale
