"""The rate limits of the operations, per window of time and at once; above them they answer 429."""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace

from framefleet.emulator.clock import ServiceClock
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit of `per_window` requests in `window_s` seconds, with at most `at_once` of them being answered."""

    per_window: int
    at_once: int
    window_s: Seconds = 10.0


RUNPOD: Mapping[str, Rate] = {
    "run": Rate(1000, 200),
    "runsync": Rate(2000, 400),
    "status": Rate(2000, 400),
    "stream": Rate(2000, 400),
    "cancel": Rate(100, 20),
    "purge-queue": Rate(2, 2),
}
"""From RunPod's documentation (August 2026). Operations without a documented rate have none here."""

UNLIMITED: Mapping[str, Rate] = {}


def at_most(runs: int, window_s: Seconds = 10.0) -> Mapping[str, Rate]:
    """Return RunPod's rates with at most `runs` new jobs in `window_s`, a limit that a client does not know."""
    return {
        **RUNPOD,
        **{name: replace(RUNPOD[name], per_window=runs, window_s=window_s) for name in ("run", "runsync")},
    }


class EndpointRates:
    """The rates of one endpoint. The window slides: the last `window_s` seconds before each request count."""

    def __init__(self, rates: Mapping[str, Rate], clock: ServiceClock) -> None:
        self._rates = rates
        self._clock = clock
        self._admitted: dict[str, deque[Seconds]] = {name: deque() for name in rates}
        self._answering: Counter[str] = Counter()

    def admit(self, operation: str) -> bool:
        """Return whether a request may be answered now; if so, `done` must follow. A refused one does not count."""
        rate = self._rates.get(operation)
        if rate is None:
            return True
        times, now = self._admitted[operation], self._clock()
        while times and times[0] <= now - rate.window_s:
            times.popleft()
        if len(times) >= rate.per_window or self._answering[operation] >= rate.at_once:
            return False
        times.append(now)
        self._answering[operation] += 1
        return True

    def done(self, operation: str) -> None:
        if operation in self._rates:
            self._answering[operation] -= 1
