"""`framefleet plan`: an estimate of a run's work and cost. Nothing is decoded, sent or written."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framefleet.cli.batch import each
from framefleet.cli.commands.run import SEQUENTIAL
from framefleet.cli.options.run import with_flags
from framefleet.cli.options.videos import (
    Videos,
    exit_code,
    left_out_of,
    named,
)
from framefleet.cli.output.format import NOUN, clean, clock, counted

if TYPE_CHECKING:
    from framefleet.analysis import Prepared
    from framefleet.executors.planning import CorpusEstimate
    from framefleet.pipeline.plan import StagePlan


@with_flags
def plan(
    videos: Videos,
    sequential: Annotated[bool, typer.Option("--sequential", help="plan for `run --sequential`")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="list each request")] = False,
    *,
    flags: dict[str, Any],
) -> int:
    """Estimate the frames, requests, bytes, seconds and dollars of a run, without decoding anything."""
    from framefleet.analysis import unanswered_plans
    from framefleet.config.loading import load_fleet, load_options
    from framefleet.executors.planning import corpus_estimate, tasks_of
    from framefleet.session import Session

    left_out, paths = left_out_of(videos), named(videos)
    options, fleet = load_options(flags | (SEQUENTIAL if sequential else {})), load_fleet()
    tasks = {task.video: task for task in tasks_of(paths, options)}
    plans: list[list[StagePlan]] = []

    def one(video: Path) -> int:
        prepared = session.prepare(video, options, name=tasks[video].name, taken=tasks[video].taken)
        plans.append(unanswered_plans(prepared))
        print(described(prepared, plans[-1], verbose=verbose))
        return 0

    with Session(fleet=fleet) as session:
        code = each(paths, one)
    if len(paths) > 1 and plans:
        print(together(len(paths), len(plans), corpus_estimate(plans)))
    return exit_code(code, left_out)


def together(videos: int, planned: int, estimate: "CorpusEstimate") -> str:
    """Describe what all videos take and cost: a range, if workers could go from one video to the next."""
    low, high = f"{estimate.usd_least:.4f}", f"{estimate.usd_most:.4f}"
    usd = f"${high}" if low == high else f"${low} to ${high}"
    failed = f" ({videos - planned} cannot be read)" if planned < videos else ""
    return (
        f"{counted(videos, 'video')}{failed}: about {estimate.seconds:.0f} s and {usd} "
        f"(sequential ${estimate.usd_sequential:.4f})"
    )


def described(prepared: "Prepared", left: "list[StagePlan] | None" = None, *, verbose: bool = False) -> str:
    """Describe the plan of a video. `left` are its stages without the items that are answered already, if known."""
    from framefleet.analysis import asleep, notices, unanswered_plans
    from framefleet.fleet.billing.prices import LISTED
    from framefleet.stages.registry import spec_of

    media, left = prepared.media, unanswered_plans(prepared) if left is None else left
    what = f"{media.width}×{media.height}, {media.codec}" if media.has_video else "audio only"
    about = "about " if media.is_estimated else ""
    lines = [f"{clean(str(media.path))}: {about}{media.duration_s:.1f} s, {what}"]
    if media.parts:
        parts = ", ".join(f"{clock(part.start_s)} to {clock(part.end_s)}" for part in media.parts)
        lines.append(f"  {'part' if len(media.parts) == 1 else 'parts':<8} {parts}")
    lines += [f"  {notice}" for notice in notices(prepared)]
    lines += [f"  {sleep}; run --wake raises them" for sleep in asleep(prepared, left)]
    for stage, rest in zip(prepared.plan.fleet, left, strict=True):
        lines += [_line(stage, rest), *(_requests(rest) if verbose else [])]
    for watch in prepared.plan.watching:
        lines.append(f"  {watch.stage.name:<8} {len(watch.order.samples)} small frames, on this machine")
    for derived in prepared.plan.deriving:
        lines.append(f"  {derived.spec.name:<8} from {' and '.join(derived.spec.needs)}, on this machine")
    if media.soundless is not None:
        why = "the video has no audio track" if media.audio is None else media.soundless
        deaf = [name for name in prepared.plan.names if spec_of(name).hears]
        lines += [f"  {name:<8} no audio: {why}" for name in deaf]
    usd = sum(rest.estimate.usd for rest in left)
    alone = sum(rest.estimate.usd_sequential for rest in left)
    seconds = max((rest.estimate.seconds for rest in left), default=0.0)
    what = "total" if left == prepared.plan.fleet else "left"
    lines.append(
        f"  {what:<8} about {seconds:.0f} s and ${usd:.4f} (sequential ${alone:.4f}); results in {prepared.path}"
    )
    if asked := [rest.estimate.rate_source for rest in left if rest.items and rest.tariff != LISTED]:
        lines.insert(-1, f"  {'price':<8} {'; '.join(dict.fromkeys(asked))}")
    return "\n".join(lines)


def _line(stage: "StagePlan", rest: "StagePlan") -> str:
    """Describe the remaining work, `rest`, and how much of the stage is already answered."""
    name, unit = f"  {stage.stage.name:<8}", stage.stage.unit
    known = stage.units - rest.units
    about = "about " if rest.expected else ""
    already = f"{known:.0f} of {stage.units:.0f} {unit} already answered"
    if known and not rest.items:
        return f"{name} {already}"
    low, high = rest.payload_bytes
    sent = f"{_mega(low)}–{_mega(high)} MB, " if high else ""  # zero if the stage runs in this process
    return (
        f"{name} {about}{rest.units:.0f} {unit} in {counted(len(rest.items), 'request')}, "
        f"{sent}{rest.workers} in flight, {rest.backend}: "
        f"about {rest.estimate.seconds:.0f} s, ${rest.estimate.usd:.4f}"
        + (f"; {already}" if known else "")
        + _model(stage)
    )


def _model(plan: "StagePlan") -> str:
    """Return which model of this machine it is, if the stage has several, as the end of a line."""
    if plan.chooser is None:
        return ""
    name, remark = plan.chooser.model_name(plan.options), plan.chooser.model_remark(plan.options)
    return f"; model {clean(name)}" + (f", {remark}" if remark else "")


def _requests(stage: "StagePlan") -> list[str]:
    unit = stage.stage.unit
    return [
        f"    {NOUN[unit]} {place}/{len(stage.items)}: {item.units:.5g} {unit}"
        for place, item in enumerate(stage.items, 1)
    ]


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f}"
