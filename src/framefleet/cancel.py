"""Cancellation: an object through which all parts of some work learn that it has to end, and why."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from math import inf
from weakref import WeakSet

from framefleet.errors import CancelledError, FrameFleetError
from framefleet.timebase import Seconds

DRAIN_S = 5.0  # how long requests in flight are awaited: a service reports a cancelled job within that time


class CancelScope:
    """A scope of work that can be cancelled from any thread, also repeatedly: the first reason stays.

    Once it is `cancelled`, nothing new begins. Work in flight is awaited for `drain_s` and meanwhile aborted: the scope
    is `closing`. With an infinite drain, as when a budget is used up, work in flight is completed, unless the scope is
    cancelled again with a shorter drain. It is cancelled with any of its `parents`, or alone.
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
        """Whether work in flight is to be aborted."""
        return self._until < inf

    @property
    def error(self) -> FrameFleetError | None:
        """The reason; None if the scope is not cancelled."""
        return self._error

    @property
    def drain_left_s(self) -> Seconds:
        """How long work in flight is still awaited, in seconds; infinite unless the scope is closing."""
        return max(0.0, self._until - self._clock())

    def cancel(self, reason: FrameFleetError | None = None, *, drain_s: Seconds = DRAIN_S) -> None:
        """Cancel the scope. Returns at once; `reason` is the error that `check` raises (default: `CancelledError`)."""
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
        """Return a scope that is cancelled with this one, or alone."""
        return CancelScope(self, clock=self._clock)

    def check(self, *, under_way: bool = False) -> None:
        """Raise the reason if cancelled; for work that is `under_way`, only if it is to be aborted."""
        if self._error is not None and (self.closing or not under_way):
            raise self._error

    def wait(self, seconds: Seconds, *, under_way: bool = False) -> bool:
        """Wait until the time is over or the scope cancelled, and return whether it is; `under_way` as in `check`."""
        woken = threading.Lock()
        woken.acquire()
        with self.on_cancel(woken.release, under_way=under_way):
            woken.acquire(timeout=min(max(0.0, seconds), threading.TIMEOUT_MAX))
        return self.cancelled and (self.closing or not under_way)

    def sleep(self, seconds: Seconds, *, under_way: bool = False) -> None:
        """Wait like `wait`, and raise the reason like `check`."""
        if self.wait(seconds, under_way=under_way):
            self.check(under_way=under_way)

    def _adopt(self, child: "CancelScope") -> None:
        with self._lock:
            self._children.add(child)
        if self._error is not None:
            child.cancel(self._error, drain_s=self.drain_left_s)

    @contextmanager
    def on_cancel(self, callback: Callable[[], object], *, under_way: bool = False) -> Iterator[None]:
        """Call `callback` if the scope is cancelled within the block, at once if it already is, and at most once.

        It is called in the thread that cancels, so it should do no more than wake another one. `under_way` as in
        `check`.
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
