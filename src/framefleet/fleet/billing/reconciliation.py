"""RunPod's bill compared with FrameFleet's own for the same endpoints and hours, and the causes of a gap. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from framefleet.fleet.backends.runpod.management_api import BillingRecord
from framefleet.fleet.billing.bill import Bill
from framefleet.fleet.billing.prices import Tariff
from framefleet.fleet.billing.usage import JobUsage
from framefleet.timebase import Seconds

NEXT_TO_NOTHING = 0.00005  # dollars: less than four decimals show
HOURLY = timedelta(days=2)  # a longer time is requested day by day, since a response has a record for each part of it


class Theirs(msgspec.Struct, frozen=True, kw_only=True):
    """The dollars on RunPod's bill."""

    gpu: float = 0.0
    cpu: float = 0.0
    disk: float = 0.0
    fee: float = 0.0
    total: float = 0.0


class Ours(msgspec.Struct, frozen=True, kw_only=True):
    """FrameFleet's own count. `start_wait_s`: how long each worker's first job waited, mostly for it to start."""

    usd: float = 0.0
    billed_s: Seconds = 0.0
    execution_s: Seconds = 0.0
    requests: int = 0
    workers: int = 0
    start_wait_s: Seconds = 0.0
    start_wait_usd: float = 0.0
    other_usd: float = 0.0
    rate_source: str = ""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison for one endpoint. `ours.other_usd` is of other videos in the same time, and not in `ours.usd`."""

    kind: str
    id: str
    runpod: Theirs
    ours: Ours
    differs: float
    why: list[str]


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """A job of a video, by its sha256, as the journal kept it; `charge.run_s` is in seconds since 1970."""

    kind: str
    id: str
    source: str
    charge: JobUsage

    @property
    def at_s(self) -> Seconds:
        return self.charge.run_s + (self.charge.submitted_s or 0.0)

    @property
    def until_s(self) -> Seconds:
        return self.at_s + (self.charge.receipt.delay_ms + self.charge.receipt.execution_ms) / 1000


def window(start_s: Seconds, end_s: Seconds) -> tuple[datetime, datetime, str]:
    """Return the whole hours, or days if it is long, around this time, and which: RunPod's bill is in such buckets."""
    start, end = datetime.fromtimestamp(start_s, UTC), datetime.fromtimestamp(end_s, UTC)
    long = end - start > HOURLY
    step = timedelta(days=1) if long else timedelta(hours=1)
    floor = start.replace(hour=0 if long else start.hour, minute=0, second=0, microsecond=0)
    return floor, floor + step * max(1, math.ceil((end - floor) / step)), "day" if long else "hour"


def theirs(records: Iterable[BillingRecord]) -> dict[str, Theirs]:
    """Return the sums over all records, by the endpoint's id."""
    sums: dict[str, Theirs] = defaultdict(Theirs)
    for record in records:
        before = sums[record.serverlessId]
        sums[record.serverlessId] = Theirs(
            gpu=before.gpu + record.gpuAmount,
            cpu=before.cpu + record.cpuAmount,
            disk=before.disk + record.diskAmount,
            fee=before.fee + record.feeAmount,
            total=before.total + record.totalAmount,
        )
    return sums


def ours(spent: Sequence[Spent], others: Sequence[Spent], price: float | None, tariff: Tariff) -> Ours:
    """Return the own count for one endpoint; `others` are jobs of other videos on it at the time."""
    bill = _bill(spent, price, tariff)
    first: dict[str | None, Spent] = {}
    for job in sorted(spent, key=lambda job: job.at_s):
        if job.charge.submitted_s is not None:
            first.setdefault(job.charge.receipt.worker_id, job)
    wait_s = sum(job.charge.receipt.delay_ms for job in first.values()) / 1000
    return Ours(
        usd=round(bill.usd, 6),
        billed_s=bill.billed_s,
        execution_s=round(bill.execution_s, 3),
        requests=bill.requests,
        workers=bill.workers,
        start_wait_s=round(wait_s, 3),
        start_wait_usd=round(wait_s * bill.usd_per_s, 6),
        other_usd=round(_bill([*spent, *others], price, tariff).usd - bill.usd, 6) if others else 0.0,
        rate_source=bill.rate_source if spent else "",
    )


def line(kind: str, id: str, runpod: Theirs, counted: Ours, idle_s: Seconds) -> Line:
    """Return the comparison of the two, with the causes of a difference."""
    differs = round(runpod.total - counted.usd, 6)
    return Line(
        kind=kind, id=id, runpod=runpod, ours=counted, differs=differs, why=list(_reasons(runpod, counted, idle_s))
    )


def _bill(spent: Iterable[Spent], price: float | None, tariff: Tariff) -> Bill:
    bill = Bill(price, tariff=tariff)
    for job in spent:
        bill.add(job.charge)
    return bill


def _reasons(runpod: Theirs, counted: Ours, idle_s: Seconds) -> Iterable[str]:
    apart = {"disk": runpod.disk, "platform fee": runpod.fee, "CPU": runpod.cpu}
    named = [f"${usd:.4f} {what}" for what, usd in apart.items() if usd > NEXT_TO_NOTHING]
    if named:
        yield f"{' and '.join(named)}: on RunPod's bill only"
    if counted.other_usd > NEXT_TO_NOTHING:
        yield f"${counted.other_usd:.4f} for other FrameFleet videos in the same period"
    rest = runpod.gpu - counted.usd - counted.other_usd
    if rest > NEXT_TO_NOTHING:
        started = min(rest, counted.start_wait_usd)
        if started > NEXT_TO_NOTHING:
            yield (
                f"up to ${started:.4f} for cold starts: RunPod does not report their billed time; "
                f"the workers' first jobs waited {counted.start_wait_s:.1f} s in total"
            )
        if rest - started > NEXT_TO_NOTHING:
            yield (
                f"${rest - started:.4f} for idle time beyond the {idle_s:g} s counted here after each burst of "
                "work, workers that always run, lost jobs, and requests of other clients"
            )
    elif rest < -NEXT_TO_NOTHING:
        yield f"${-rest:.4f} less for GPUs than counted here: another price, a discount, or time not billed yet"
