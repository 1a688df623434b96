"""What a run costs by RunPod's rule: from a worker's start to its stop, idle time included, rounded up to a second."""

import math
from collections.abc import Iterable, Sequence

import msgspec

from framefleet.fleet.backends.registry import capabilities_of
from framefleet.fleet.billing.bill import Bill
from framefleet.fleet.billing.prices import IDLE_TIMEOUT_S, LISTED, Tariff, rate
from framefleet.fleet.billing.usage import JobUsage
from framefleet.schema.cost import Backend, Cost, EndpointCost
from framefleet.timebase import Seconds

SEQUENTIAL_FRAME_S = 0.03  # how long a GPU worker takes for one frame per request


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """The expected wall seconds with all workers and dollars of a stage, and the dollars of one item at a time.

    `rate_source` names the source of the price; empty if the stage is not billed by the second.
    """

    seconds: Seconds
    usd: float
    usd_sequential: float
    rate_source: str = ""


def _unbilled(backend: str) -> str | None:
    """Return why the backend has no bill here; None if it has one."""
    can = capabilities_of(backend)
    if can.billed:
        return None
    return "not known: the provider of the API bills by itself" if can.remote else "this machine"


def billed_seconds(charges: Iterable[JobUsage], idle_s: Seconds = IDLE_TIMEOUT_S) -> tuple[Seconds, int]:
    """Return the seconds billed and the workers seen. A worker stops after `idle_s`, and starts again when needed."""
    bill = Bill(tariff=Tariff(idle_s=idle_s))
    for charge in charges:
        bill.add(charge)
    return bill.billed_s, bill.workers


def estimate(
    backend: Backend,
    *,
    unit_seconds: Seconds,
    units: float,
    workers: int,
    alone_s: Seconds,
    price: float | None,
    tariff: Tariff = LISTED,
) -> Estimate:
    """Return what a stage is expected to take.

    `unit_seconds` is a worker's time per unit (a frame, a second of sound); `alone_s` the same for one at a time.
    """
    if not capabilities_of(backend).billed:
        return Estimate(seconds=units * unit_seconds / workers, usd=0.0, usd_sequential=0.0)
    usd_per_s, source = rate(None, price, tariff)
    wall = units * unit_seconds / workers
    busy = workers * math.ceil(wall + tariff.idle_s) if units else 0
    alone = math.ceil(units * alone_s + tariff.idle_s) if units else 0
    return Estimate(seconds=wall, usd=busy * usd_per_s, usd_sequential=alone * usd_per_s, rate_source=source)


def stage_cost(
    backend: Backend,
    charges: Sequence[JobUsage],
    *,
    gpu: str | None,
    price: float | None,
    estimated: Estimate,
    alone_s: Seconds,
    others: Sequence[JobUsage] = (),
    tariff: Tariff = LISTED,
) -> EndpointCost:
    """Return the bill of a stage. `gpu` is the GPU of workers that report none, `others` the charges of other runs.

    `alone_s` is what the same units would take one at a time.
    """
    can, unbilled, bill = capabilities_of(backend), _unbilled(backend), _bill(charges, price, gpu, tariff)
    usd_per_s = 0.0 if unbilled else bill.usd_per_s
    alone = math.ceil(max(bill.execution_s, alone_s) + tariff.idle_s) if charges else 0
    own = [charge for charge in charges if charge.submitted_s is not None]
    first = min(own, key=lambda charge: charge.submitted_s or 0.0, default=None)
    return EndpointCost(
        backend=backend,
        remote=can.remote,
        billed=can.billed,
        usd_per_s=round(usd_per_s, 8),
        rate_source=unbilled or bill.rate_source,
        requests=len(charges),
        workers=1 if unbilled else bill.workers,
        execution_s=round(bill.execution_s, 3),
        delay_s=round(sum(charge.receipt.delay_ms for charge in own) / 1000, 3),
        first_delay_s=round(first.receipt.delay_ms / 1000, 3) if first is not None else 0.0,
        billed_s=0.0 if unbilled else bill.billed_s,
        usd=0.0 if unbilled else round(bill.usd, 6),
        usd_all_runs=0.0 if unbilled else round(_bill([*others, *charges], price, gpu, tariff).usd, 6),
        usd_estimated=round(estimated.usd, 6),
        usd_sequential=round(alone * usd_per_s, 6),
    )


def _bill(charges: Iterable[JobUsage], price: float | None, gpu: str | None, tariff: Tariff) -> Bill:
    bill = Bill(price, gpu=gpu, tariff=tariff)
    for charge in charges:
        bill.add(charge)
    return bill


def total(stages: dict[str, EndpointCost]) -> Cost:
    return Cost(
        usd=round(sum(stage.usd for stage in stages.values()), 6),
        usd_all_runs=round(sum(stage.usd_all_runs or 0.0 for stage in stages.values()), 6),
        usd_estimated=round(sum(stage.usd_estimated for stage in stages.values()), 6),
        usd_sequential=round(sum(stage.usd_sequential for stage in stages.values()), 6),
        stages=stages,
    )
