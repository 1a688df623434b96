"""What the requests of a stage went through: waiting for workers to start, behind one another, and at work. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from framefleet.fleet.charge import Charge
from framefleet.fleet.limits import SPARE
from framefleet.units import Seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """The requests that workers elsewhere answered. `count` of them were asked, `places` at once at most.

    `asked_s` is from sending to answer, of all requests together, and of that `starting_s` waiting for a worker to
    start (`warmable_s` of it: had all workers been woken when the run began, nobody would have waited), `queued_s`
    behind other requests, and `ran_s` at work. `longest_s` is the longest request, `start_s` the longest wait for a
    worker. `busy_s` is the time with at least one request. `queue` is how many requests' worth was ready and not asked
    about, on average. `ceiling`: it was `--max-workers` that allowed no more `places`.
    """

    count: int
    places: int
    workers: int
    busy_s: Seconds
    asked_s: Seconds
    longest_s: Seconds = 0.0
    start_s: Seconds = 0.0
    starting_s: Seconds = 0.0
    warmable_s: Seconds = 0.0
    queued_s: Seconds = 0.0
    ran_s: Seconds = 0.0
    queue: float = 0.0
    ceiling: bool = True

    @property
    def at_once(self) -> int:
        """How many requests there were to ask at once."""
        return max(1, min(self.places, self.count))

    @property
    def needs_s(self) -> Seconds:
        """How long all requests take if each is there when there is a place for it: never waiting for input."""
        if self.count == 0:
            return self.busy_s
        rounds = math.ceil(self.count / self.places)
        return min(self.busy_s, max(self.longest_s, rounds * self.asked_s / self.count))

    @property
    def idle(self) -> float:
        """Which part of their time, once started, workers had nothing to do: 0 to 1."""
        up_s = self.workers * self.busy_s - self.starting_s
        return max(0.0, 1 - self.ran_s / up_s) if up_s > 0 else 0.0


def sum_up(
    charges: Sequence[Charge],
    *,
    busy_s: Seconds,
    asked_s: Seconds,
    queue: float,
    places: int | None,
    ceiling: bool,
    probes: int = 0,
) -> Asked:
    """Of an endpoint. `places` is None where the stage found its own level; the first `probes` charges are no work.

    A worker has started when its first job begins to run; what waits for that worker until then waits for its start,
    and what waits longer, or for one that is up, waits behind other requests.
    """
    told = sorted(
        (c for c in charges if c.submitted_s is not None and not c.hedged), key=lambda c: c.submitted_s or 0.0
    )
    begun = [_begun_s(charge) for charge in told]
    up_s: dict[str | None, Seconds] = {}
    for charge, at_s in zip(told, begun, strict=True):
        worker = charge.receipt.worker_id
        up_s[worker] = min(at_s, up_s.get(worker, at_s))
    own = list(zip(told, begun, strict=True))[probes:]
    waits = [_wait(charge, at_s, up_s[charge.receipt.worker_id]) for charge, at_s in own]
    workers = max(1, len(up_s))
    return Asked(
        count=len(own),
        places=places or math.ceil(SPARE * workers) + 1,
        workers=workers,
        busy_s=busy_s,
        asked_s=asked_s,
        longest_s=max((c.receipt.delay_ms + c.receipt.execution_ms for c, _ in own), default=0.0) / 1000,
        start_s=max((start_s for start_s, _, _ in waits), default=0.0),
        starting_s=sum(start_s for start_s, _, _ in waits),
        warmable_s=sum(warm_s for _, warm_s, _ in waits),
        queued_s=sum(behind_s for _, _, behind_s in waits),
        ran_s=sum(charge.receipt.execution_ms for charge, _ in own) / 1000,
        queue=queue,
        ceiling=ceiling,
    )


def _begun_s(charge: Charge) -> Seconds:
    return (charge.submitted_s or 0.0) + charge.receipt.delay_ms / 1000


def _wait(charge: Charge, begun_s: Seconds, up_s: Seconds) -> tuple[Seconds, Seconds, Seconds]:
    """For its worker to start, how much of that if it had been woken at 0, and behind other requests."""
    submitted_s = charge.submitted_s or 0.0
    start_s = max(0.0, min(begun_s, up_s) - submitted_s)
    return start_s, min(start_s, submitted_s), begun_s - submitted_s - start_s
