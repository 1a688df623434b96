"""Cancelling: one object that tells all who take part in some work that it is to end, and why."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from math import inf
from weakref import WeakSet

from framefleet.errors import CancelledError, FrameFleetError
from framefleet.timebase import Seconds

DRAIN_S = 5.0  # how long what is under way is listened to: a service that heard of its end says so within that


class CancelScope:
    """What can be cancelled together, from any thread, and as often as anybody likes: the first reason stays.

    Once `cancelled`, nothing new begins. What is under way is still heard for `drain_s`, and cut short meanwhile: the
    scope is `closing`. With an endless drain, as when a budget is used up, it is worth waiting for and nothing is cut
    short, unless the scope is cancelled again with a shorter one. It ends with any of its `parents`, or alone.
    """

    def __init__(self, *parents: "CancelScope", clock: Callable[[], Seconds] = time.monotonic) -> None:
        self._clock = clock
        self._error: FrameFleetError | None = None
        self._until: Seconds = inf
        self._lock = threading.RLock()  # a signal's handler may cancel while its own thread is in here
        self._numbers = count()
        self._callbacks: dict[int, tuple[Callable[[], object], bool]] = {}
        self._children: WeakSet[CancelScope] = WeakSet()
        for parent in parents:
            parent._adopt(self)

    @property
    def cancelled(self) -> bool:
        return self._error is not None

    @property
    def closing(self) -> bool:
        """Whether what is under way is to be cut short."""
        return self._until < inf

    @property
    def error(self) -> FrameFleetError | None:
        """The reason, once there is one."""
        return self._error

    @property
    def drain_left_s(self) -> Seconds:
        """How long what is under way is still heard; endless before the scope is closing."""
        return max(0.0, self._until - self._clock())

    def cancel(self, reason: FrameFleetError | None = None, *, drain_s: Seconds = DRAIN_S) -> None:
        """Ask all that takes part to end. Returns at once; `reason` is what `check` raises (`CancelledError`)."""
        with self._lock:
            self._error = self._error or reason or CancelledError("cancelled")
            self._until = min(self._until, self._clock() + drain_s)
            due = [number for number, (_, under_way) in list(self._callbacks.items()) if self.closing or not under_way]
            callbacks = [self._callbacks.pop(number)[0] for number in due]
            children = list(self._children)
        for callback in callbacks:
            callback()
        for child in children:
            child.cancel(self._error, drain_s=drain_s)

    def child(self) -> "CancelScope":
        """Return a scope that ends with this one, or alone."""
        return CancelScope(self, clock=self._clock)

    def check(self, *, under_way: bool = False) -> None:
        """Raise the reason once cancelled; for what is `under_way`, once it is to be cut short."""
        if self._error is not None and (self.closing or not under_way):
            raise self._error

    def wait(self, seconds: Seconds, *, under_way: bool = False) -> bool:
        """Wait so long, or until cancelled, and say whether it is; `under_way` as in `check`."""
        woken = threading.Lock()
        woken.acquire()
        with self.on_cancel(woken.release, under_way=under_way):
            woken.acquire(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX))
        return self.cancelled and (self.closing or not under_way)

    def sleep(self, seconds: Seconds, *, under_way: bool = False) -> None:
        """As `wait`, and raise the reason as `check` does."""
        if self.wait(seconds, under_way=under_way):
            self.check(under_way=under_way)

    def _adopt(self, child: "CancelScope") -> None:
        with self._lock:
            self._children.add(child)
        if self._error is not None:
            child.cancel(self._error, drain_s=self.drain_left_s)

    @contextmanager
    def on_cancel(self, callback: Callable[[], object], *, under_way: bool = False) -> Iterator[None]:
        """Call `callback` when cancelled within the block, at once if it is already, and once at most.

        It is called in the thread that cancels, so it only wakes somebody. `under_way` as in `check`.
        """
        number = next(self._numbers)
        with self._lock:
            now = self.cancelled and (self.closing or not under_way)
            if not now:
                self._callbacks[number] = (callback, under_way)
        if now:
            callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.pop(number, None)
