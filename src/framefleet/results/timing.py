"""Where a run's time went. Pure."""

from framefleet.fleet.meter import Meter
from framefleet.pipeline.run import Run, StageRun
from framefleet.results.advice import Load, judge
from framefleet.results.document import StageTiming, Timing


def build_timing(run: Run) -> Timing:
    """Busy and waiting times, how far they overlapped, what limited the run and what would help."""
    decode = {name: _metered(meter) for name, meter in run.decode.items()}
    stages = {name: stage_timing(stage) for name, stage in run.stages.items()}
    stages |= {name: _metered(client.meter) for name, client in run.client.items()}
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


def stage_timing(stage: StageRun) -> StageTiming:
    """Of a stage of the fleet."""
    return _metered(stage.asked, _queue(stage))


def _loads(run: Run) -> dict[str, Load]:
    loads = {name: _load(run, stage) for name, stage in run.stages.items()}
    loads |= {name: Load(client.meter.busy_s) for name, client in run.client.items()}
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
        busy_s=stage.asked.busy_s,
        backend=stage.plan.backend,
        workers=workers,
        idle=max(0.0, 1 - ran_s / (workers * stage.asked.busy_s)) if stage.asked.busy_s else None,
        queued=queued_s / ran_s if ran_s else None,
        ceiling=ceiling if isinstance(ceiling, int) else None,
        endpoint=stage.plan.stage.endpoint,
    )


def _metered(meter: Meter, queue: float | None = None) -> StageTiming:
    return StageTiming(
        busy_s=_s(meter.busy_s),
        waiting_s=_s(meter.waiting_s),
        done=_s(meter.done) if meter.done else None,
        per_s=round(meter.done / meter.busy_s, 2) if meter.done and meter.busy_s else None,
        queue_mean=queue,
    )


def _queue(stage: StageRun) -> float | None:
    """What was in hand and not being asked about, on average over the stage's time."""
    span_s = stage.in_hand.span_s
    return round(max(0.0, stage.in_hand.area_s - stage.asked.area_s) / span_s, 2) if span_s else None


def _s(value: float) -> float:
    return round(value, 3)
