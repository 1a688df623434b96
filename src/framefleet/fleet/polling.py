"""How long to wait between two looks at a job: learnt from how long the jobs before it took."""

import threading

from framefleet.units import Seconds

SHORTEST_S = 0.02
LONGEST_S = 2.0
OVERDUE_S, OVERDUE_TIMES, OTHERS = 120.0, 20.0, 3  # a model that loads late takes a minute: our choices
_EARLY = 0.8  # the first look after the start comes when four fifths of the usual time are over
_SHARE = 0.12  # later ones when the time waited has grown by an eighth: at most that much is lost
_WEIGHT = 0.2


class Polling:
    """One for an endpoint. Safe to call from many threads."""

    def __init__(self) -> None:
        self._usual: Seconds | None = None
        self._count = 0
        self._lock = threading.Lock()

    def finished(self, took_s: Seconds) -> None:
        """A job was found over, done or failed, `took_s` after it was submitted."""
        with self._lock:
            self._count += 1
            self._usual = took_s if self._usual is None else (1 - _WEIGHT) * self._usual + _WEIGHT * took_s

    def interval(self, waited_s: Seconds) -> Seconds:
        """Until the next look at a job submitted `waited_s` ago."""
        until_usual = _EARLY * self._usual - waited_s if self._usual is not None else 0.0
        return min(max(SHORTEST_S, _SHARE * waited_s, until_usual), LONGEST_S)

    @property
    def count(self) -> int:
        """How many jobs were found over."""
        return self._count

    def overdue(self, waited_s: Seconds, since: int) -> bool:
        """Whether a job has been at work for so long that others are long over: nobody may have it any more.

        `since` is the `count` when it was first seen at work.
        """
        with self._lock:
            usual_s = self._usual or 0.0
            return self._count - since >= OTHERS and waited_s >= max(OVERDUE_S, OVERDUE_TIMES * usual_s)
