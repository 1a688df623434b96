"""What a run costs by RunPod's rule: from a worker's start to its stop, idle time included, rounded up to a second."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from framefleet.config import Backend
from framefleet.fleet.exchange import Charge
from framefleet.fleet.prices import rate
from framefleet.units import Seconds

IDLE_TIMEOUT_S = 5.0  # RunPod's default: how long a worker is kept, and billed, after its last job
SEQUENTIAL_FRAME_S = 0.03  # one frame a request takes a GPU worker this long, batching or not


class EndpointCost(msgspec.Struct, frozen=True, kw_only=True):
    """One stage's bill. Seconds and dollars are 0 where the stage ran on this machine."""

    backend: Backend
    usd_per_s: float
    rate_source: str
    requests: int
    workers: int
    execution_s: Seconds
    billed_s: Seconds
    usd: float
    usd_estimated: float
    usd_sequential: float


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Dollars before and after. `usd_sequential` is one frame or chunk after the other, by the same rule."""

    usd: float
    usd_estimated: float
    usd_sequential: float
    rule: str = "from a worker's start to its stop, idle time included, rounded up to a second"
    stages: dict[str, EndpointCost]


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage is expected to take on its backend: wall seconds with all workers, dollars, and alone."""

    seconds: Seconds
    usd: float
    usd_sequential: float


def billed_seconds(charges: Iterable[Charge], idle_s: Seconds = IDLE_TIMEOUT_S) -> tuple[Seconds, int]:
    """Seconds billed and workers seen. A worker stops when it was idle for `idle_s`, and starts again when needed."""
    spans: dict[str | None, list[tuple[Seconds, Seconds]]] = defaultdict(list)
    for charge in charges:
        start = charge.submitted_s + charge.receipt.delay_ms / 1000
        spans[charge.receipt.worker_id].append((start, start + charge.receipt.execution_ms / 1000))
    return sum(_worker_seconds(sorted(jobs), idle_s) for jobs in spans.values()), len(spans)


def estimate(
    backend: Backend, *, unit_seconds: Seconds, units: float, workers: int, alone_s: Seconds, price: float | None
) -> Estimate:
    """`unit_seconds` is a worker's time a unit (frame, second of sound); `alone_s` the same one at a time."""
    if backend == "local":
        return Estimate(seconds=units * unit_seconds, usd=0.0, usd_sequential=0.0)
    usd_per_s, _ = rate(None, price)
    wall = units * unit_seconds / workers
    busy = workers * math.ceil(wall + IDLE_TIMEOUT_S) if units else 0
    alone = math.ceil(units * alone_s + IDLE_TIMEOUT_S) if units else 0
    return Estimate(seconds=wall, usd=busy * usd_per_s, usd_sequential=alone * usd_per_s)


def stage_cost(
    backend: Backend,
    charges: Sequence[Charge],
    *,
    gpu: str | None,
    price: float | None,
    estimated: Estimate,
    alone_s: Seconds,
) -> EndpointCost:
    """The bill of what was run. `alone_s` is what the same units would take one at a time."""
    execution_s = sum(charge.receipt.execution_ms for charge in charges) / 1000
    if backend == "local":
        usd_per_s, source, billed, workers = 0.0, "this machine", 0.0, 1
    else:
        usd_per_s, source = rate(gpu, price)
        billed, workers = billed_seconds(charges)
    alone = math.ceil(max(execution_s, alone_s) + IDLE_TIMEOUT_S) if charges else 0
    return EndpointCost(
        backend=backend,
        usd_per_s=usd_per_s,
        rate_source=source,
        requests=len(charges),
        workers=workers,
        execution_s=round(execution_s, 3),
        billed_s=billed,
        usd=round(billed * usd_per_s, 6),
        usd_estimated=round(estimated.usd, 6),
        usd_sequential=round(alone * usd_per_s, 6),
    )


def total(stages: dict[str, EndpointCost]) -> Cost:
    return Cost(
        usd=round(sum(stage.usd for stage in stages.values()), 6),
        usd_estimated=round(sum(stage.usd_estimated for stage in stages.values()), 6),
        usd_sequential=round(sum(stage.usd_sequential for stage in stages.values()), 6),
        stages=stages,
    )


def _worker_seconds(jobs: list[tuple[Seconds, Seconds]], idle_s: Seconds) -> Seconds:
    billed = 0.0
    start, end = jobs[0]
    for next_start, next_end in jobs[1:]:
        if next_start > end + idle_s:
            billed += math.ceil(end + idle_s - start)
            start = next_start
        end = max(end, next_end)
    return billed + math.ceil(end + idle_s - start)
