"""The rate that a provider allows, kept by all threads together."""

import random
import threading
import time
from collections.abc import Callable

from framefleet.cancel import CancelScope
from framefleet.fleet.execution.concurrency import (
    FIRST_HOLD_S,
    HOLD_SHARE,
    LONGEST_BLOCK_S,
    LONGEST_HOLD_S,
    NAP_S,
    RETRY_AFTER_S,
    WINDOW_S,
    log,
)
from framefleet.timebase import Seconds


class RateLimiter:
    """At most `rate` calls a second on average and `burst` at once, for one provider or route, over all threads.

    A generic cell rate algorithm (ITU-T I.371): one number says when the next call is due. `refused` is for limits
    nobody told us: all threads then hold off together, and one after the other tries again until a call is accepted.
    """

    def __init__(
        self,
        rate: float,
        burst: int = 1,
        *,
        clock: Callable[[], Seconds] = time.monotonic,
        sleep: Callable[[Seconds], None] | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._interval = 1 / rate
        self._slack = (burst - 1) / rate
        self._clock = clock
        self._sleep = sleep
        self._rng = rng or random.Random()
        self._lock = threading.Lock()
        self._due = clock()
        self._hold = 0.0
        self._held_until = self._due
        self._refused_since: Seconds | None = None
        self.held_s: Seconds = 0.0  # what all threads together waited for

    def acquire(self, cancel: CancelScope | None = None) -> None:
        """Returns when the next call may be made. Raises the reason for which `cancel` is cancelled meanwhile."""
        cancel = cancel or CancelScope()
        cancel.check()
        while (held := self._held()) > 0:
            nap_s = min(held, NAP_S)
            self._wait(nap_s, cancel)
            with self._lock:
                self.held_s += nap_s
        with self._lock:
            now = self._clock()
            arrival = max(self._due, now)
            self._due = arrival + self._interval
            wait = arrival - self._slack - now
            self.held_s += max(0.0, wait)
        if wait > 0:
            self._wait(wait, cancel)

    def refused(self, after_s: Seconds = 0.0) -> None:
        """The provider said 429, and perhaps when to come again."""
        with self._lock:
            now = self._clock()
            if now < self._held_until:
                return  # another thread has just said so
            self._refused_since = now if self._refused_since is None else self._refused_since
            since_s = now - self._refused_since
            longest = LONGEST_HOLD_S if since_s <= WINDOW_S else LONGEST_BLOCK_S
            self._hold = max(min(max(FIRST_HOLD_S, HOLD_SHARE * since_s), longest), min(after_s, RETRY_AFTER_S))
            self._held_until = now + self._hold
        log.info("too many requests: no call for %.2f s; refused for %.1f s so far", self._hold, since_s)

    def accepted(self) -> None:
        with self._lock:
            self._refused_since = None

    def _wait(self, seconds: Seconds, cancel: CancelScope) -> None:
        if self._sleep is None:
            cancel.sleep(seconds)
        else:
            self._sleep(seconds)
            cancel.check()

    def _held(self) -> Seconds:
        """How long to hold off. Each thread looks up at a moment of its own, so that one tries before the others."""
        with self._lock:
            left = self._held_until - self._clock()
            return left + self._rng.uniform(0, self._hold) if left > 0 else 0.0
