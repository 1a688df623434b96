"""`framefleet plan`: what a run would do and cost. Nothing is decoded, sent or written."""

from pathlib import Path
from typing import Annotated, Any

import typer

from framefleet.api import Prepared, notices, prepare
from framefleet.cli.each import each
from framefleet.cli.flags import with_flags
from framefleet.cli.run import SEQUENTIAL
from framefleet.cli.words import NOUN, clean, counted
from framefleet.config import load_fleet, load_options
from framefleet.pipeline.plan import StagePlan


@with_flags
def plan(
    videos: Annotated[list[Path], typer.Argument(help="one video or several", show_default=False)],
    sequential: Annotated[bool, typer.Option("--sequential", help="what `run --sequential` would do")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="a line for each request")] = False,
    *,
    flags: dict[str, Any],
) -> int:
    """Show frames, requests, bytes, seconds and dollars of a run, without decoding anything."""
    options, fleet = load_options(flags | (SEQUENTIAL if sequential else {})), load_fleet()

    def one(video: Path) -> int:
        print(described(prepare(video, options, fleet), verbose=verbose))
        return 0

    return each(videos, one)


def described(prepared: Prepared, *, verbose: bool = False) -> str:
    media = prepared.media
    what = f"{media.width}×{media.height}, {media.codec}" if media.has_video else "sound alone"
    lines = [f"{clean(str(media.path))}: {media.duration_s:.1f} s, {what}"]
    lines += [f"  {notice}" for notice in notices(prepared)]
    for stage in prepared.plan.fleet:
        lines += [_line(stage), *(_requests(stage) if verbose else [])]
    for watch in prepared.plan.watching:
        lines.append(f"  {watch.stage.name:<8} {len(watch.order.samples)} small pictures, here")
    for derived in prepared.plan.deriving:
        lines.append(f"  {derived.name:<8} from {' and '.join(derived.after)}, here")
    if media.soundless is not None and "speech" in prepared.plan.names:
        why = "the video has no sound" if media.audio is None else media.soundless
        lines.append(f"  speech   nothing to listen to: {why}")
    usd = sum(stage.estimate.usd for stage in prepared.plan.fleet)
    alone = sum(stage.estimate.usd_sequential for stage in prepared.plan.fleet)
    seconds = max((stage.estimate.seconds for stage in prepared.plan.fleet), default=0.0)
    lines.append(
        f"  in all   about {seconds:.0f} s and ${usd:.4f} (one at a time ${alone:.4f}); results in {prepared.path}"
    )
    return "\n".join(lines)


def _line(stage: StagePlan) -> str:
    low, high = stage.payload_bytes
    return (
        f"  {stage.stage.name:<8} {stage.units:.0f} {stage.stage.unit} in {counted(len(stage.items), 'request')}, "
        f"{_mega(low)}–{_mega(high)} MB, {stage.workers} at once, {stage.backend}: "
        f"about {stage.estimate.seconds:.0f} s, ${stage.estimate.usd:.4f}"
    )


def _requests(stage: StagePlan) -> list[str]:
    unit = stage.stage.unit
    return [f"    {NOUN[unit]} {i.number + 1}/{len(stage.items)}: {i.units:.5g} {unit}" for i in stage.items]


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f}"
