"""Whether a request that takes unusually long is sent a second time. Pure but for its counting."""

import threading
from bisect import insort

from framefleet.units import Seconds

SHARE = 0.02  # of requests sent, at most
ENOUGH = 20  # answers before a time can be called unusual


class Hedge:
    """Allows a second sending after the run's 95th percentile, for at most `SHARE` of all requests.

    After "The Tail at Scale" (Dean and Barroso, Communications of the ACM, 2013), which defers the second request to
    the 95th percentile and finds that 2 % more requests suffice.
    """

    def __init__(self) -> None:
        self._took: list[Seconds] = []
        self._sent = 0
        self._lock = threading.Lock()

    def answered(self, took_s: Seconds) -> None:
        with self._lock:
            insort(self._took, took_s)

    def after_s(self) -> Seconds | None:
        """How long to wait for the first answer; None while too few are known."""
        with self._lock:
            return self._took[int(len(self._took) * 0.95)] if len(self._took) >= ENOUGH else None

    def take(self) -> bool:
        """Whether one more second sending is within the share; if so it is counted."""
        with self._lock:
            allowed = self._sent + 1 <= SHARE * (len(self._took) + 1) or self._sent == 0
            self._sent += allowed
            return allowed
