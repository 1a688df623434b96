"""The measurement of work that several threads share: its busy time, and the amount done."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, process_time

from framefleet.timebase import Seconds


class BusyTimer:
    """A timer of the time in which at least one block is open (overlapping blocks count once), and of what is `done`.

    A block is `working()`, or the time between `begin()` and `end()`, which may be in different threads.
    """

    def __init__(self, clock: Callable[[], Seconds] = perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open = 0
        self._at = 0.0  # when the number of open blocks last changed
        self._busy = 0.0
        self._area = 0.0
        self._cpu = 0.0
        self._cpu_at = 0.0
        self._began: Seconds | None = None
        self._ended = 0.0
        self.done = 0.0

    @contextmanager
    def working(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self) -> None:
        self._change(+1)

    def end(self) -> None:
        self._change(-1)

    def count(self, units: float) -> None:
        """Add `units` to what is done."""
        with self._lock:
            self.done += units

    @property
    def open(self) -> int:
        """The number of open blocks."""
        return self._open

    @property
    def busy_s(self) -> Seconds:
        return self._busy

    @property
    def span_s(self) -> Seconds:
        """The time from the start of the first block to the end of the last."""
        return 0.0 if self._began is None else self._ended - self._began

    @property
    def waiting_s(self) -> Seconds:
        """The time between the first and the last block in which none was open."""
        return max(0.0, self.span_s - self._busy)

    @property
    def area_s(self) -> Seconds:
        """The sum of the times of all blocks: divided by a time, the mean number of open blocks in it."""
        return self._area

    @property
    def cpu_s(self) -> Seconds:
        """The CPU time of the whole process, for any work, while a block was open."""
        return self._cpu

    def _change(self, by: int) -> None:
        with self._lock:
            now, cpu = self._clock(), process_time()
            self._began = now if self._began is None else self._began
            if self._open:
                self._busy += now - self._at
                self._area += self._open * (now - self._at)
                self._cpu += cpu - self._cpu_at
            self._at, self._cpu_at = now, cpu
            self._open += by
            if self._open == 0:
                self._ended = now
