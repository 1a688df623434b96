"""The parts of a run, as `advice.py` judges them. Pure, but for the number of processors."""

import os

from framefleet.fleet.meter import Meter
from framefleet.pipeline.run import Run, StageRun
from framefleet.results.advice import HERE, Circumstances, Part
from framefleet.results.asked import Asked, sum_up
from framefleet.stages.base import Needs
from framefleet.stages.registry import WATCHING
from framefleet.units import Seconds

PICTURES, SOUND = "pictures", "sound"
DECODE = {PICTURES: "decode", SOUND: "decode sound"}


def parts_of(run: Run) -> dict[str, Part]:
    """By the names that the document and the terminal have for them."""
    parts = {DECODE[reads]: Part(meter.busy_s, reads) for reads, meter in run.decode.items()}
    for name, stage in run.stages.items():
        if stage.sifting.busy_s:
            parts[f"prefilter {name}"] = Part(stage.sifting.busy_s, reads_of(stage), name, stage.plan.backend)
        parts[name] = _part(run, name, stage)
    for name, client in run.client.items():
        parts[name] = Part(client.meter.busy_s, PICTURES if name in WATCHING else name, name)
    return parts


def circumstances(run: Run) -> Circumstances:
    dense = sum(client.meter.done for name, client in run.client.items() if name in WATCHING)
    decoded = run.decode[PICTURES].done if PICTURES in run.decode else 0.0
    return Circumstances(
        exact=run.options.sampling == "exact",
        stay_here=run.options.backend == "local",
        warm=run.options.warm > 0,
        paced=run.options.whisper_rpm is not None,
        dense=dense,
        sparse=max(0.0, decoded - dense),
    )


def beside(run: Run, reads: str) -> Seconds:
    """What else the thread that decodes the pictures, or the sound, was busy with."""
    sifting = sum(stage.sifting.busy_s for stage in run.stages.values() if reads_of(stage) == reads)
    watching = (client.meter.busy_s for name, client in run.client.items() if name in WATCHING and reads == PICTURES)
    return sifting + sum(watching)


def reads_of(stage: StageRun) -> str:
    return SOUND if stage.plan.stage.needs is Needs.AUDIO else PICTURES


def queue_mean(asked: Meter, in_hand: Meter) -> float | None:
    """What was in hand and not being asked about, on average over the stage's time; None if nothing was."""
    return max(0.0, in_hand.area_s - asked.area_s) / in_hand.span_s if in_hand.span_s else None


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _part(run: Run, name: str, stage: StageRun) -> Part:
    plan = stage.plan
    if plan.backend == "local":
        return Part(stage.asked.busy_s, HERE, name, "local", plan.stage.endpoint)
    asked = _asked(run, stage)
    return Part(asked.needs_s, name, name, plan.backend, plan.stage.endpoint, asked)


def _asked(run: Run, stage: StageRun) -> Asked:
    plan, options, automatic = stage.plan, run.options, run.options.max_workers == "auto"
    return sum_up(
        stage.outcome.charges,
        busy_s=stage.asked.busy_s,
        asked_s=stage.asked.area_s,
        sending=stage.outcome.sending,
        held_s=stage.outcome.held_s,
        cpu=stage.asked.cpu_s / (stage.asked.busy_s * cores()) if stage.asked.busy_s else 0.0,
        queue=queue_mean(stage.asked, stage.in_hand) or 0.0,
        places=None if automatic and plan.backend == "runpod" else plan.workers,
        ceiling=plan.workers == options.max_workers,
        probes=min(options.warm, len(plan.items)) if plan.backend == "runpod" else 0,
    )
