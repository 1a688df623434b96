"""Hedging: a request that is unusually slow is sent a second time, and the job that is done first answers it."""

import threading
from bisect import insort
from collections.abc import Callable, Sequence

from framefleet.errors import FleetError, NotDoneError
from framefleet.fleet.backends.base import Done
from framefleet.fleet.execution.jobs import Jobs, Sent
from framefleet.timebase import Seconds

SHARE = 0.02  # of the requests may be hedged, at most
ENOUGH = 20  # answers before a time can be called unusual


class Hedge:
    """Allows a second job after the run's 95th percentile, for at most `SHARE` of all requests.

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
        """Return how long to wait for the first answer; None while too few are known."""
        with self._lock:
            return self._took[int(len(self._took) * 0.95)] if len(self._took) >= ENOUGH else None

    def take(self) -> bool:
        """Return whether one more hedge is within the share; if so, count it."""
        with self._lock:
            allowed = self._sent + 1 <= SHARE * (len(self._took) + 1) or self._sent == 0
            self._sent += allowed
            return allowed


RACE_S = 0.05  # between two polls of racing jobs


def race(
    jobs: Jobs,
    first: Sent,
    second: Sent,
    *,
    note: Callable[[Sent], None],
    pause: Callable[[Seconds], None],
    timeout_s: Seconds,
) -> Done:
    """Return the output of the job that is done first; cancel the other, and count what it cost.

    `note` has got the first, and gets the second if that is the one to collect from then on. Raises the last error if
    both fail, and what `pause` raises.
    """
    running, noted = [first, second], first
    until = jobs.now() + timeout_s
    try:
        while jobs.now() < until:
            ended = _first_over(jobs, running)
            if ended is None:
                pause(RACE_S)
                continue
            sent, outcome = ended
            running.remove(sent)
            if isinstance(outcome, Done):
                if sent is not noted:
                    note(sent)  # before the other is cancelled: if the process is killed now, this one has the answer
                for loser in running:
                    jobs.lose(loser)
                return outcome
            if not running:
                raise outcome
            if sent is noted:
                noted = running[0]
                note(noted)
        raise NotDoneError(f"{first.job.endpoint}: neither of two jobs is done after {timeout_s:g} s")
    finally:
        for sent in (first, second):
            jobs.over(sent)


def _first_over(jobs: Jobs, running: Sequence[Sent]) -> tuple[Sent, Done | FleetError] | None:
    """Poll each job once; return the first that is over, with its outcome."""
    for sent in running:
        try:
            return sent, jobs.wait(sent, 0)
        except NotDoneError:
            continue
        except FleetError as error:
            return sent, error
    return None
