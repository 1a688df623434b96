"""The number of concurrent requests, which adapts to the workers, and the constants of backing off."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from framefleet.cancel import CancelScope
from framefleet.fleet.backends.base import Health, Receipt
from framefleet.logs import logger

log = logger(__name__)

SPARE = 1.5  # requests per busy worker: one running, and half a one waiting, so that it is never idle
FIRST_HOLD_S = 0.05
LONGEST_HOLD_S = 0.5
HOLD_SHARE = 0.05  # of the time since the first refusal: at most that much of a window's limit is left unused
WINDOW_S = 60.0  # longer refusals are not from a windowed limit, and retried less often: retries may extend a block
LONGEST_BLOCK_S = 15.0
NAP_S = 1.0  # a longer wait is split, to notice a cancellation or a change
RETRY_AFTER_S = 10.0  # the maximum for a `Retry-After`: RunPod's windows are that long, and it may ask for an hour


class AdaptiveConcurrency:
    """The number of requests in flight, at most `ceiling`: enough that no worker is idle, and no more.

    With every worker busy, of n requests that each wait w and run r seconds, n·r/(w + r) are running (Little's law):
    that is the number of workers, and `SPARE` requests each keep them busy. Cold starts do not count as waiting: behind
    n - 1 others a request waits at most n - 1 times what one takes; one that waited longer waited for a worker's start.
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
    def slot(self, scope: CancelScope | None = None) -> Iterator[int]:
        """Hold one of the places, after waiting for one to become free. Yields how many are held then.

        Raises the reason of `scope` if it is cancelled meanwhile, since places may stay taken for long.
        """
        scope = scope or CancelScope()
        with self._changed, scope.on_cancel(self._wake):
            self._changed.wait_for(lambda: scope.cancelled or self._in_use < self.limit)
            scope.check()
            self._in_use += 1
            held = self._in_use
        try:
            yield held
        finally:
            with self._changed:
                self._in_use -= 1
                self._changed.notify()

    def answered(self, receipt: Receipt, held: int = 0) -> None:
        """Move one step towards the level that this answer's waiting and running times suggest.

        `held` places were in use when its request was sent: if several answers arrive at once, the places of the
        others are free already, so that the number in use now does not show what kept the workers busy.
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
        """Raise the level if workers are idle, and note whether some start, which makes waiting times meaningless."""
        with self._changed:
            self._starting = health.workers.get("initializing", 0) > 0
            idle = health.workers.get("idle", 0)
            if idle and self._in_use >= self.limit:
                self._set(self._limit + idle)

    def refused(self) -> None:
        """Lower the level by a fifth after a response 429, once until a request is answered again."""
        with self._changed:
            if not self._refused:
                self._set(self._limit * 0.8)
            self._refused = True

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

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
