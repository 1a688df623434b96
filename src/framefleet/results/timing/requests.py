"""Where the time of a stage's requests went: cold starts, the queue and execution. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from framefleet.fleet.backends.runpod.backend import RUN_RATE, STATUS_RATE
from framefleet.fleet.billing.estimate import billed_seconds
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.execution.concurrency import SPARE
from framefleet.timebase import Seconds

LOOKS = 3.0  # polls per job, as `Polling` needs when jobs take about the same time
NOTHING = 0.02  # of a request's time: less counts as none
CAME_AND_WENT = 1.5  # times the average number of busy workers
HELD = 0.5  # of the time in which a request is neither queued nor running


@dataclass(frozen=True, slots=True)
class RequestTiming:
    """The timing of requests to remote workers. `count` were sent, at most `places` at once.

    `asked_s` is the time from sending to reply, summed over all requests. Of it, `starting_s` was waiting for a cold
    start (`warmable_s` of which would not have happened had all workers been woken when the run began), `queued_s`
    waiting behind other requests, and `ran_s` execution. `longest_s` is the longest request, `start_s` the longest wait
    for a worker. `busy_s` is the time with at least one request in flight. `queue` is how many requests were ready and
    not sent, on average. `ceiling` says that `--max-workers` limited `places`.

    `send_s` is the average time until a job was accepted, and `alone_s` the shortest, which no other job delayed;
    `held_s` is the total time that jobs were held back to keep to the service's rate limits. `cpu` is the share of this
    machine's processors that the run used meanwhile, 0 to 1. `billed_s` is the billed time of the workers without their
    cold starts, `cold_s` the longest cold start, and `early_s` how much earlier the workers would have started, in
    total, had they been woken when the run began.
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
    send_s: Seconds = 0.0
    alone_s: Seconds = 0.0
    held_s: Seconds = 0.0
    cpu: float = 0.0
    billed_s: Seconds = 0.0
    cold_s: Seconds = 0.0
    early_s: Seconds = 0.0

    @property
    def at_once(self) -> int:
        """The number of requests that could be in flight at once."""
        return max(1, min(self.places, self.count))

    @property
    def needs_s(self) -> Seconds:
        """The time that all requests take if each is ready when a place is free, without waiting for input."""
        if self.count == 0:
            return self.busy_s
        rounds = math.ceil(self.count / self.places)
        return min(self.busy_s, max(self.longest_s, rounds * self.asked_s / self.count))

    @property
    def idle(self) -> float:
        """The share of their time, once started, in which workers were idle: 0 to 1."""
        up_s = self.workers * self.busy_s - self.starting_s
        return max(0.0, 1 - self.ran_s / up_s) if up_s > 0 else 0.0

    @property
    def at_work(self) -> int:
        """The number of workers at a time: all, unless they came and went, and far fewer were busy on average."""
        working = max(1, math.ceil(self.ran_s / self.busy_s)) if self.busy_s > 0 else 1
        return working if CAME_AND_WENT * working < self.workers else self.workers

    @property
    def rate(self) -> float:
        """Jobs per second."""
        return self.count / self.busy_s if self.busy_s > 0 else 0.0

    @property
    def crowding(self) -> float:
        """The factor by which sending a job took longer than it does alone; 1 if that is negligible for a request."""
        lost_s = self.send_s - self.alone_s
        if self.alone_s <= 0 or lost_s * self.count < NOTHING * self.asked_s:
            return 1.0
        return self.send_s / self.alone_s

    @property
    def asking_s(self) -> Seconds:
        """The time in which requests were neither queued nor running: on their way, or on this machine."""
        return max(0.0, self.asked_s - self.starting_s - self.queued_s - self.ran_s)

    @property
    def shared(self) -> float:
        """The utilisation of what requests share on their way to the service, 0 to 1.

        A request that takes k times as long as alone finds k - 1 of the n - 1 others at the shared resource, which is
        in use for n/(n - 1)·(1 - 1/k) of the time (mean value analysis of closed queues: Reiser and Lavenberg, 1980).
        With a single place, it may be all of the time that sending takes.
        """
        others = self.at_once - 1
        used = (1 - 1 / self.crowding) * self.at_once / others if others else self.rate * self.send_s
        return min(1.0, used)

    @property
    def on_the_way(self) -> float:
        """The average number of jobs being sent at once."""
        return self.rate * self.send_s

    @property
    def service(self) -> float:
        """The share of RunPod's rate limits in use, for new jobs and polls: 1 if requests were held back for them."""
        if self.held_s > HELD * self.asking_s > 0:
            return 1.0
        held = 0.9 if self.held_s > NOTHING * self.asking_s > 0 else 0.0
        return max(held, min(1.0, max(self.rate / RUN_RATE, LOOKS * self.rate / STATUS_RATE)))


def sum_up(
    charges: Sequence[JobUsage],
    *,
    busy_s: Seconds,
    asked_s: Seconds,
    queue: float,
    places: int | None,
    ceiling: bool,
    probes: int = 0,
    sending: Sequence[Seconds] = (),
    held_s: Seconds = 0.0,
    cpu: float = 0.0,
) -> RequestTiming:
    """Return the timing of an endpoint's requests.

    `places` is None if the stage chose its own number; the first `probes` charges are probes. A worker has started when
    its first job begins to run: waiting for it until then counts as cold start, and waiting longer, or for a worker
    that is up, as queueing.
    """
    told = sorted(
        (c for c in charges if c.submitted_s is not None and not c.hedged), key=lambda c: c.submitted_s or 0.0
    )
    begun = [_begun_s(charge) for charge in told]
    up_s: dict[str | None, Seconds] = {}
    early_s: dict[str | None, Seconds] = {}
    for charge, at_s in zip(told, begun, strict=True):
        worker = charge.receipt.worker_id
        if at_s < up_s.get(worker, math.inf):
            up_s[worker], early_s[worker] = at_s, charge.submitted_s or 0.0
    own = list(zip(told, begun, strict=True))[probes:]
    waits = [_wait(charge, at_s, up_s[charge.receipt.worker_id]) for charge, at_s in own]
    workers = max(1, len(up_s))
    return RequestTiming(
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
        send_s=sum(sending) / len(sending) if sending else 0.0,
        alone_s=min(sending[: len(sending) // 2 + 1], default=0.0),  # the last ones may carry less
        held_s=held_s,
        cpu=cpu,
        billed_s=billed_seconds(told)[0],
        cold_s=max((up_s[worker] - sent_s for worker, sent_s in early_s.items()), default=0.0),
        early_s=sum(early_s.values()),
    )


def _begun_s(charge: JobUsage) -> Seconds:
    return (charge.submitted_s or 0.0) + charge.receipt.delay_ms / 1000


def _wait(charge: JobUsage, begun_s: Seconds, up_s: Seconds) -> tuple[Seconds, Seconds, Seconds]:
    """Return its waits for the cold start, for the part of it that an earlier wake would save, and in the queue."""
    submitted_s = charge.submitted_s or 0.0
    start_s = max(0.0, min(begun_s, up_s) - submitted_s)
    return start_s, min(start_s, submitted_s), begun_s - submitted_s - start_s
