"""A bill by RunPod's rule, kept up to date job by job: each worker from start to stop, idle time included."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from framefleet.fleet.billing.prices import LISTED, Tariff, rate
from framefleet.fleet.billing.usage import JobUsage
from framefleet.timebase import Seconds


@dataclass(slots=True)
class _Worker:
    """One worker's share. `spells` are the times it ran, in order, more than the idle timeout apart."""

    spells: list[tuple[Seconds, Seconds]] = field(default_factory=list)
    gpu: str | None = None
    before_s: dict[Seconds, Seconds] = field(default_factory=lambda: defaultdict(float))

    def add(self, charge: JobUsage, idle_s: Seconds) -> None:
        self.gpu = charge.gpu or self.gpu
        ran_s = charge.receipt.execution_ms / 1000
        if charge.submitted_s is None:  # of an earlier run, at unknown times: one after the other until this one began
            self.before_s[charge.run_s] += ran_s
            start = charge.run_s - self.before_s[charge.run_s]
        else:
            start = charge.run_s + charge.submitted_s + charge.receipt.delay_ms / 1000
        end = start + ran_s
        apart = []
        for spell in self.spells:
            if spell[1] + idle_s < start or end + idle_s < spell[0]:
                apart.append(spell)
            else:
                start, end = min(start, spell[0]), max(end, spell[1])
        self.spells = sorted([*apart, (start, end)])

    def billed_s(self, idle_s: Seconds) -> int:
        return sum(math.ceil(end + idle_s - start) for start, end in self.spells)


class Bill:
    """The bill of one endpoint. The order of charges does not matter.

    `gpu` is the GPU of workers that report none; `price`, in dollars per worker and second, overrides the tariff.
    """

    def __init__(self, price: float | None = None, *, gpu: str | None = None, tariff: Tariff = LISTED) -> None:
        self._price = price
        self._gpu = gpu
        self._tariff = tariff
        self._workers: dict[str | None, _Worker] = {}
        self.requests = 0
        self.execution_s: Seconds = 0.0

    def add(self, charge: JobUsage) -> None:
        self._workers.setdefault(charge.receipt.worker_id, _Worker()).add(charge, self._tariff.idle_s)
        self._gpu = charge.gpu or self._gpu
        self.requests += 1
        self.execution_s += charge.receipt.execution_ms / 1000

    @property
    def workers(self) -> int:
        return len(self._workers)

    @property
    def billed_s(self) -> int:
        return sum(worker.billed_s(self._tariff.idle_s) for worker in self._workers.values())

    @property
    def usd(self) -> float:
        """The dollars billed, each worker at the price of its own GPU."""
        return sum(
            worker.billed_s(self._tariff.idle_s) * self._rate(worker.gpu)[0] for worker in self._workers.values()
        )

    @property
    def usd_per_s(self) -> float:
        """The dollars per second; the average if workers differ."""
        return self.usd / self.billed_s if self.billed_s else self._rate(None)[0]

    @property
    def rate_source(self) -> str:
        gpus = {worker.gpu for worker in self._workers.values()} or {None}
        return "; ".join(sorted({self._rate(gpu)[1] for gpu in gpus}))

    def _rate(self, gpu: str | None) -> tuple[float, str]:
        return rate(gpu or self._gpu, self._price, self._tariff)
