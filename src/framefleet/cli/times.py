"""Where a run's time went, as a table for a person."""

from framefleet.cli.table import Column
from framefleet.schema.timing import StageTiming, Timing

HEARING = ("speech", "sounds", "sound")  # whose work is counted in seconds


def times(timing: Timing) -> list[Column]:
    """Where the time went. What had nothing to do is left out, and so is a column that all leave empty."""
    parts = {"decode" if name == "pictures" else f"decode {name}": (name, part) for name, part in timing.decode.items()}
    parts |= {f"prefilter {name}": (name, part) for name, part in timing.prefilter.items()}
    parts |= {name: (name, part) for name, part in timing.stages.items()}
    parts = {title: (name, part) for title, (name, part) in parts.items() if part.busy_s or part.waiting_s or part.done}
    rows = [part for _, part in parts.values()]
    columns = [
        Column("", ["time   ", *[""] * (len(parts) - 1)][: len(parts)], style="bold"),
        Column("", list(parts), style="cyan", least=8),
        Column("busy", [f"{part.busy_s:.1f} s" for part in rows], right=True),
        Column("waiting", [f"{part.waiting_s:.1f} s" for part in rows], right=True, rank=1),
        Column("done", [_done(name, part) for name, part in parts.values()], right=True, rank=3),
        Column("a second", [_pace(part) for part in rows], right=True, rank=2),
        Column("queue", ["" if p.queue_mean is None else f"{p.queue_mean:.1f}" for p in rows], right=True, rank=4),
    ]
    return [column for column in columns if any(column.cells)]  # type: ignore[arg-type]


def _pace(part: StageTiming) -> str:
    if part.per_s is None:
        return ""
    return f"{part.per_s:.1f}" if part.per_s < 100 else f"{part.per_s:.0f}"


def _done(name: str, part: StageTiming) -> str:
    if part.done is None:
        return ""
    return f"{part.done:.0f} s" if name in HEARING else f"{part.done:.0f}"
