"""How fast and how many at once: a rate that a provider allows, and a number of requests that finds its own level."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from framefleet.fleet.backend import Health, Receipt
from framefleet.logs import logger
from framefleet.units import Seconds

log = logger(__name__)

SPARE = 1.5  # requests a busy worker: one at work, and half a one waiting so that it is never idle
FIRST_HOLD_S = 0.05
LONGEST_HOLD_S = 0.5
HOLD_SHARE = 0.05  # of the time since the first refusal: of a limit by window at most that much is left unused
WINDOW_S = 60.0  # what is refused for longer is no limit by window, and asked for less often: a block grows by asking
LONGEST_BLOCK_S = 15.0
NAP_S = 1.0  # who is held off for longer looks up meanwhile
RETRY_AFTER_S = 10.0  # of what a `Retry-After` asks for: RunPod's windows are that long, and it may ask for an hour


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
        sleep: Callable[[Seconds], None] = time.sleep,
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

    def acquire(self) -> None:
        """Returns when the next call may be made."""
        while (held := self._held()) > 0:
            nap_s = min(held, NAP_S)
            self._sleep(nap_s)
            with self._lock:
                self.held_s += nap_s
        with self._lock:
            now = self._clock()
            arrival = max(self._due, now)
            self._due = arrival + self._interval
            wait = arrival - self._slack - now
            self.held_s += max(0.0, wait)
        if wait > 0:
            self._sleep(wait)

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

    def _held(self) -> Seconds:
        """How long to hold off. Each thread looks up at a moment of its own, so that one tries before the others."""
        with self._lock:
            left = self._held_until - self._clock()
            return left + self._rng.uniform(0, self._hold) if left > 0 else 0.0


class Level:
    """How many requests are asked at once, at most `ceiling`: enough that no worker is idle, and no more.

    With every worker busy, n requests of which each waits w and runs r seconds are n·r/(w + r) at work (Little's law):
    so many workers there are, and `SPARE` requests each keep them busy. Cold starts do not count as waiting: behind
    n - 1 others nobody waits for more than n - 1 times what one takes; what waited longer waited for a worker to start.
    """

    def __init__(self, ceiling: int | None, start: int, name: str = "") -> None:
        self._name = name
        self._ceiling = ceiling
        self._limit = float(start)
        self._in_use = 0
        self._ratio: float | None = None
        self._starting = False
        self._refused = False
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        return max(1, int(self._limit))

    @contextmanager
    def slot(self) -> Iterator[int]:
        """Holds one of the places; waits while there is none. Gives how many are held then."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_use < self.limit)
            self._in_use += 1
            held = self._in_use
        try:
            yield held
        finally:
            with self._changed:
                self._in_use -= 1
                self._changed.notify()

    def answered(self, receipt: Receipt, held: int = 0) -> None:
        """Moves one step towards the level that this answer's waiting and running times speak for.

        `held` places were in use when its request was sent: when several answers come at once, the places of the
        others are free already, and what is in use now says nothing of what kept the workers busy.
        """
        if receipt.execution_ms <= 0:
            return
        ratio = receipt.delay_ms / receipt.execution_ms
        with self._changed:
            self._refused = False
            asked = max(held, self._in_use)
            if ratio > max(asked, 1):
                return
            ratio = min(ratio, 10.0)
            self._ratio = ratio if self._ratio is None else 0.8 * self._ratio + 0.2 * ratio
            at_work = asked / (1 + self._ratio)
            self._step(SPARE * at_work + 1)

    def saw(self, health: Health) -> None:
        """Idle workers are room to grow; starting ones make waiting times mean nothing."""
        with self._changed:
            self._starting = health.workers.get("initializing", 0) > 0
            idle = health.workers.get("idle", 0)
            if idle and self._in_use >= self.limit:
                self._set(self._limit + idle)

    def refused(self) -> None:
        """Too many requests: a fifth fewer, once until something is answered again."""
        with self._changed:
            if not self._refused:
                self._set(self._limit * 0.8)
            self._refused = True

    def _step(self, target: float) -> None:
        if target < self._limit and self._starting:
            return
        self._set(self._limit + min(max(target - self._limit, -1.0), 1.0))

    def _set(self, limit: float) -> None:
        highest = float("inf") if self._ceiling is None else float(self._ceiling)
        before = self.limit
        self._limit = min(max(limit, 1.0), highest)
        if self.limit != before:
            log.info("%s: %d requests at once, after %d", self._name, self.limit, before)
        self._changed.notify_all()
