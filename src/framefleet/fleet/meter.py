"""How long something was at work, when several threads work at it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from framefleet.units import Seconds


class Meter:
    """Counts the time in which at least one `working()` block is open: overlapping work counts once."""

    def __init__(self, clock: Callable[[], Seconds] = perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open = 0
        self._since = 0.0
        self._busy = 0.0
        self._began: Seconds | None = None
        self._ended = 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        self._change(+1)
        try:
            yield
        finally:
            self._change(-1)

    @property
    def busy_s(self) -> Seconds:
        return self._busy

    @property
    def waiting_s(self) -> Seconds:
        """Time between the first and the last work in which there was none."""
        return 0.0 if self._began is None else max(0.0, self._ended - self._began - self._busy)

    def _change(self, by: int) -> None:
        with self._lock:
            now = self._clock()
            self._began = now if self._began is None else self._began
            if self._open == 0:
                self._since = now
            self._open += by
            if self._open == 0:
                self._busy += now - self._since
                self._ended = now
