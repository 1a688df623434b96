"""How long to wait between two looks at a job: learnt from how long the jobs before it took."""

import threading

from framefleet.units import Seconds

SHORTEST_S = 0.02
LONGEST_S = 2.0
_EARLY = 0.8  # the first look after the start comes when four fifths of the usual time are over
_SHARE = 0.12  # later ones when the time waited has grown by an eighth: at most that much is lost
_WEIGHT = 0.2


class Polling:
    """One for an endpoint. Safe to call from many threads."""

    def __init__(self) -> None:
        self._usual: Seconds | None = None
        self._lock = threading.Lock()

    def finished(self, took_s: Seconds) -> None:
        """A job was found done `took_s` after it was submitted."""
        with self._lock:
            self._usual = took_s if self._usual is None else (1 - _WEIGHT) * self._usual + _WEIGHT * took_s

    def interval(self, waited_s: Seconds) -> Seconds:
        """Until the next look at a job submitted `waited_s` ago."""
        until_usual = _EARLY * self._usual - waited_s if self._usual is not None else 0.0
        return min(max(SHORTEST_S, _SHARE * waited_s, until_usual), LONGEST_S)
