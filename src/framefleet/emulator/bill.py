"""The workers' cost by RunPod's rule: from a worker's start to its stop, rounded up to a second, idle time included."""

import math
from dataclasses import dataclass

from framefleet.emulator.clock import ServiceClock
from framefleet.timebase import Seconds

L4_USD_PER_S = 0.00019  # RunPod's list, 2026-06-08, for a GPU of 24 GB


@dataclass(slots=True)
class Shift:
    """The uptime of one worker. `stopped` is None while it is up."""

    worker_id: str
    started: Seconds
    stopped: Seconds | None = None

    def billed(self, now: Seconds) -> int:
        up = (now if self.stopped is None else self.stopped) - self.started
        return math.ceil(round(up, 6))


class WorkerBill:
    """The shifts of all workers; those that are still up count until now."""

    def __init__(self, clock: ServiceClock) -> None:
        self._clock = clock
        self.shifts: list[Shift] = []

    def start(self, worker_id: str, at: Seconds) -> Shift:
        self.shifts.append(Shift(worker_id, at))
        return self.shifts[-1]

    @property
    def seconds(self) -> int:
        now = self._clock()
        return sum(shift.billed(now) for shift in self.shifts)

    def usd(self, usd_per_s: float = L4_USD_PER_S) -> float:
        return self.seconds * usd_per_s
