"""Where a run's time went. Pure."""

from framefleet.fleet.meter import Meter
from framefleet.pipeline.run import Run, StageRun
from framefleet.results.advice import Load, judge
from framefleet.results.document import StageTiming, Timing


def build_timing(run: Run) -> Timing:
    """Busy and waiting times, how far they overlapped, what limited the run and what would help."""
    decode = {name: _metered(meter) for name, meter in run.decode.items()}
    stages = {name: StageTiming(busy_s=_s(s.busy_s), waiting_s=_s(s.waiting_s)) for name, s in run.stages.items()}
    stages |= {name: StageTiming(busy_s=_s(c.busy_s), waiting_s=0.0) for name, c in run.client.items()}
    busy_s = sum(timing.busy_s for timing in (*decode.values(), *stages.values()))
    verdict = judge(run.wall_s, _loads(run), exact=run.options.sampling == "exact")
    return Timing(
        wall_s=_s(run.wall_s),
        decode=decode,
        stages=stages,
        overlap=round(busy_s / run.wall_s, 2) if run.wall_s else 0.0,
        bottleneck=verdict.bottleneck,
        advice=verdict.advice,
    )


def _loads(run: Run) -> dict[str, Load]:
    loads = {name: _load(run, stage) for name, stage in run.stages.items()}
    loads |= {name: Load(client.busy_s) for name, client in run.client.items()}
    if "pictures" in run.decode:
        loads["decode"] = Load(run.decode["pictures"].busy_s)
    return loads


def _load(run: Run, stage: StageRun) -> Load:
    receipts = [charge.receipt for charge in stage.outcome.charges]
    ran_s = sum(receipt.execution_ms for receipt in receipts) / 1000
    queued_s = sum(receipt.delay_ms for receipt in receipts) / 1000
    workers = len({receipt.worker_id for receipt in receipts}) or 1
    ceiling = run.options.max_workers
    return Load(
        busy_s=stage.busy_s,
        backend=stage.plan.backend,
        workers=workers,
        idle=max(0.0, 1 - ran_s / (workers * stage.busy_s)) if stage.busy_s else None,
        queued=queued_s / ran_s if ran_s else None,
        ceiling=ceiling if isinstance(ceiling, int) else None,
        endpoint=stage.plan.stage.endpoint,
    )


def _metered(meter: Meter) -> StageTiming:
    return StageTiming(busy_s=_s(meter.busy_s), waiting_s=_s(meter.waiting_s))


def _s(value: float) -> float:
    return round(value, 3)
