"""The parts of a run as `advice.py` judges them. Pure, except for the number of processors."""

import os

from framefleet.fleet.backends.registry import capabilities_of
from framefleet.metrics import BusyTimer
from framefleet.pipeline.finish import FinishedStage
from framefleet.pipeline.run import Run
from framefleet.results.timing.advice import HERE, Circumstances, Part, judge
from framefleet.results.timing.requests import RequestTiming, sum_up
from framefleet.schema.timing import StageTiming, Timing
from framefleet.stages.base import Needs
from framefleet.stages.registry import watches
from framefleet.timebase import Seconds

PICTURES, SOUND = "pictures", "sound"
DECODE = {PICTURES: "decode", SOUND: "decode sound"}


def parts_of(run: Run) -> dict[str, Part]:
    """Return the parts of a run by their names in the document and on the terminal."""
    parts = {DECODE[reads]: Part(meter.busy_s, reads) for reads, meter in run.decode.items()}
    for name, stage in run.stages.items():
        if stage.prefiltering.busy_s:
            parts[f"prefilter {name}"] = Part(
                stage.prefiltering.busy_s, reads_of(stage), name, remote=stage.plan.capabilities.remote
            )
        parts[name] = _part(run, name, stage)
    for name, client in run.client.items():
        parts[name] = Part(client.meter.busy_s, PICTURES if watches(name) else name, name)
    return parts


def circumstances(run: Run) -> Circumstances:
    dense = sum(client.meter.done for name, client in run.client.items() if watches(name))
    decoded = run.decode[PICTURES].done if PICTURES in run.decode else 0.0
    return Circumstances(
        exact=run.options.decoding == "exact",
        stay_here=run.options.backend != "auto" and not capabilities_of(run.options.backend).remote,
        warm=run.options.warm > 0,
        paced=run.options.whisper_rpm is not None,
        dense=dense,
        sparse=max(0.0, decoded - dense),
    )


def beside(run: Run, reads: str) -> Seconds:
    """Return for how long the thread that decodes frames, or sound, was busy with other work."""
    prefiltering = sum(stage.prefiltering.busy_s for stage in run.stages.values() if reads_of(stage) == reads)
    watching = (client.meter.busy_s for name, client in run.client.items() if watches(name) and reads == PICTURES)
    return prefiltering + sum(watching)


def reads_of(stage: FinishedStage) -> str:
    return SOUND if stage.plan.stage.needs is Needs.AUDIO else PICTURES


def queue_mean(asked: BusyTimer, in_hand: BusyTimer) -> float | None:
    """Return the average number of requests that were ready and not sent, over the stage's time; None without any."""
    return max(0.0, in_hand.area_s - asked.area_s) / in_hand.span_s if in_hand.span_s else None


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _part(run: Run, name: str, stage: FinishedStage) -> Part:
    plan = stage.plan
    if not plan.capabilities.remote:
        return Part(stage.asked.busy_s, HERE, name, plan.stage.endpoint)
    asked = _asked(run, stage)
    return Part(asked.needs_s, name, name, plan.stage.endpoint, asked, remote=True, billed=plan.capabilities.billed)


def _asked(run: Run, stage: FinishedStage) -> RequestTiming:
    plan, options, automatic = stage.plan, run.options, run.options.max_workers == "auto"
    return sum_up(
        stage.outcome.charges,
        busy_s=stage.asked.busy_s,
        asked_s=stage.asked.area_s,
        sending=stage.outcome.sending,
        held_s=stage.outcome.held_s,
        cpu=stage.asked.cpu_s / (stage.asked.busy_s * cores()) if stage.asked.busy_s else 0.0,
        queue=queue_mean(stage.asked, stage.in_hand) or 0.0,
        places=None if automatic and plan.capabilities.probed else plan.workers,
        ceiling=plan.workers == options.max_workers,
        probes=min(options.warm, len(plan.items)) if plan.capabilities.probed else 0,
    )


def build_timing(run: Run) -> Timing:
    """Return busy and waiting times, the average parallelism, the bottleneck and advice."""
    decode = {reads: _metered(meter, beside_s=beside(run, reads)) for reads, meter in run.decode.items()}
    prefilter = {name: _metered(stage.prefiltering) for name, stage in run.stages.items() if stage.prefiltering.span_s}
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


def stage_timing(stage: FinishedStage) -> StageTiming:
    """Return the timing of a stage that sends requests."""
    queue = queue_mean(stage.asked, stage.in_hand)
    return _metered(stage.asked, None if queue is None else round(queue, 2))


def _metered(meter: BusyTimer, queue: float | None = None, *, beside_s: Seconds = 0.0) -> StageTiming:
    """Return a meter's times; `beside_s` is not waiting, since the thread did other work then."""
    return StageTiming(
        busy_s=_s(meter.busy_s),
        waiting_s=_s(max(0.0, meter.waiting_s - beside_s)),
        done=_s(meter.done) if meter.done else None,
        per_s=round(meter.done / meter.busy_s, 2) if meter.done and meter.busy_s else None,
        queue_mean=queue,
    )


def _s(value: float) -> float:
    return round(value, 3)
