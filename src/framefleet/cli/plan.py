"""`framefleet plan`: what a run would do and cost. Nothing is decoded, sent or written."""

from pathlib import Path
from typing import Annotated, Any

import typer

from framefleet.api import Prepared, prepare
from framefleet.cli.flags import with_flags
from framefleet.config import load_fleet, load_options
from framefleet.pipeline.plan import StagePlan


@with_flags
def plan(
    videos: Annotated[list[Path], typer.Argument(help="one video or several", show_default=False)],
    *,
    flags: dict[str, Any],
) -> int:
    """Show frames, requests, bytes, seconds and dollars of a run, without decoding anything."""
    options, fleet = load_options(flags), load_fleet()
    for video in videos:
        print(described(prepare(video, options, fleet)))
    return 0


def described(prepared: Prepared) -> str:
    media = prepared.media
    head = f"{media.path}: {media.duration_s:.1f} s, {media.width}×{media.height}, {media.codec}"
    lines = [head, *(_line(stage) for stage in prepared.plans)]
    if media.audio is None and prepared.options.speech:
        lines.append("  speech   nothing to listen to: the video has no sound")
    usd = sum(stage.estimate.usd for stage in prepared.plans)
    alone = sum(stage.estimate.usd_sequential for stage in prepared.plans)
    seconds = max((stage.estimate.seconds for stage in prepared.plans), default=0.0)
    lines.append(
        f"  in all   about {seconds:.0f} s and ${usd:.4f} (one at a time ${alone:.4f}); results in {prepared.path}"
    )
    return "\n".join(lines)


def _line(stage: StagePlan) -> str:
    low, high = stage.payload_bytes
    return (
        f"  {stage.stage.name:<8} {stage.units:.0f} {stage.stage.unit} in {len(stage.items)} requests, "
        f"{_mega(low)}–{_mega(high)} MB, {stage.workers} at once, {stage.backend}: "
        f"about {stage.estimate.seconds:.0f} s, ${stage.estimate.usd:.4f}"
    )


def _mega(size: int) -> str:
    return f"{size / 1e6:.1f}"
