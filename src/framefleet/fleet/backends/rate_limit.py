"""The rate that a provider allows, shared by all threads."""

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
    """At most `rate` calls per second on average and `burst` at once, for one provider or route, over all threads.

    A generic cell rate algorithm (ITU-T I.371): one number holds when the next call is due. `refused` is for limits
    that are not documented: all threads then back off together, and retry one by one until a call is accepted.
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
        self.held_s: Seconds = 0.0  # how long all threads waited in total

    def acquire(self, cancel: CancelScope | None = None) -> None:
        """Wait until the next call may be made. Raises the reason of `cancel` if it is cancelled meanwhile."""
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
        """Back off after a response 429; `after_s` is the wait that the provider asks for, if any."""
        with self._lock:
            now = self._clock()
            if now < self._held_until:
                return  # another thread has just reported it
            self._refused_since = now if self._refused_since is None else self._refused_since
            since_s = now - self._refused_since
            longest = LONGEST_HOLD_S if since_s <= WINDOW_S else LONGEST_BLOCK_S
            self._hold = max(min(max(FIRST_HOLD_S, HOLD_SHARE * since_s), longest), min(after_s, RETRY_AFTER_S))
            self._held_until = now + self._hold
        log.info("too many requests: waiting %.2f s; refused for %.1f s so far", self._hold, since_s)

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
        """Return how long to back off, with a random part per thread, so that one retries before the others."""
        with self._lock:
            left = self._held_until - self._clock()
            return left + self._rng.uniform(0, self._hold) if left > 0 else 0.0
