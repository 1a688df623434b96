"""Where a run's time went. Pure."""

from framefleet.fleet.meter import Meter
from framefleet.pipeline.run import Run, StageRun
from framefleet.results.advice import judge
from framefleet.results.parts import beside, circumstances, parts_of, queue_mean
from framefleet.schema.timing import StageTiming, Timing
from framefleet.units import Seconds


def build_timing(run: Run) -> Timing:
    """Busy and waiting times, how far they overlapped, what limited the run and what would help."""
    decode = {reads: _metered(meter, beside_s=beside(run, reads)) for reads, meter in run.decode.items()}
    prefilter = {name: _metered(stage.sifting) for name, stage in run.stages.items() if stage.sifting.span_s}
    stages = {name: stage_timing(stage) for name, stage in run.stages.items()}
    stages |= {name: _metered(client.meter) for name, client in run.client.items()}
    busy_s = sum(timing.busy_s for timing in (*decode.values(), *prefilter.values(), *stages.values()))
    verdict = judge(run.wall_s, parts_of(run), circumstances(run))
    return Timing(
        wall_s=_s(run.wall_s),
        decode=decode,
        prefilter=prefilter,
        stages=stages,
        overlap=round(busy_s / run.wall_s, 2) if run.wall_s else 0.0,
        bottleneck=verdict.bottleneck,
        advice=verdict.advice,
    )


def stage_timing(stage: StageRun) -> StageTiming:
    """Of a stage of the fleet."""
    queue = queue_mean(stage.asked, stage.in_hand)
    return _metered(stage.asked, None if queue is None else round(queue, 2))


def _metered(meter: Meter, queue: float | None = None, *, beside_s: Seconds = 0.0) -> StageTiming:
    """`beside_s` of the time between was no waiting: its thread had something else to do."""
    return StageTiming(
        busy_s=_s(meter.busy_s),
        waiting_s=_s(max(0.0, meter.waiting_s - beside_s)),
        done=_s(meter.done) if meter.done else None,
        per_s=round(meter.done / meter.busy_s, 2) if meter.done and meter.busy_s else None,
        queue_mean=queue,
    )


def _s(value: float) -> float:
    return round(value, 3)
