"""What a person reads at the end of a run, and of a document by `framefleet show`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from framefleet.cli.output.format import clock, counted
from framefleet.cli.output.table import NAME, Column, Page
from framefleet.results.query import tally
from framefleet.results.query.availability import failed, known
from framefleet.results.query.intervals import frame_intervals
from framefleet.results.query.tally import Level, Tally
from framefleet.schema.cost import Cost
from framefleet.schema.document import Document, FailureEntry
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.speakers import Speaker
from framefleet.schema.timing import StageTiming, Timing
from framefleet.stages.registry import SPECS
from framefleet.timebase import Span


def hears(name: str) -> bool:
    """Whether the work is counted in seconds: of a stage that listens, or the decode for it."""
    return name == "sound" or (name in SPECS and SPECS[name].hears)


def times(timing: Timing) -> list[Column]:
    """Where the time went. What had nothing to do is left out, and so is a column that all leave empty."""
    parts = {"decode" if name == "pictures" else f"decode {name}": (name, part) for name, part in timing.decode.items()}
    parts |= {f"prefilter {name}": (name, part) for name, part in timing.prefilter.items()}
    parts |= {name: (name, part) for name, part in timing.stages.items()}
    parts = {title: (name, part) for title, (name, part) in parts.items() if part.busy_s or part.waiting_s or part.done}
    rows = [part for _, part in parts.values()]
    columns = [
        Column("", [f"{'time':<{NAME - 1}}", *[""] * (len(parts) - 1)][: len(parts)], style="bold"),
        Column("", list(parts), style="cyan", least=8),
        Column("busy", [f"{part.busy_s:.1f} s" for part in rows], right=True),
        Column("waiting", [f"{part.waiting_s:.1f} s" for part in rows], right=True, rank=1),
        Column("done", [_done(name, part) for name, part in parts.values()], right=True, rank=3),
        Column("per second", [_pace(part) for part in rows], right=True, rank=2),
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
    return f"{part.done:.0f} s" if hears(name) else f"{part.done:.0f}"


_BLOCKS, _PLAIN = " ▁▂▃▄▅▆▇█", ".:+#"
"""From nothing to the most of its kind."""

_UNLOOKED = "?"


def spark(levels: Sequence[Level], width: int, *, blocks: bool) -> str:
    """At most `width` characters: blocks, a space for nothing; or `.` for nothing, `:`, `+`, `#`. `?`: nobody looked.

    Of levels that share a character the highest counts, so that what is short is still seen.
    """
    return "".join(_char(level, blocks=blocks) for level in squeezed(levels, width))


def squeezed(levels: Sequence[Level], width: int) -> list[Level]:
    """`levels` in at most `width` groups that differ in size by no more than one; each as high as its highest."""
    count = min(width, len(levels))
    edges = [place * len(levels) // count for place in range(count + 1)] if count else []
    groups = (levels[start:end] for start, end in pairwise(edges))
    return [max((level for level in group if level is not None), default=None) for group in groups]


def _char(level: Level, *, blocks: bool) -> str:
    if level is None:
        return _UNLOOKED
    chars = _BLOCKS if blocks else _PLAIN
    return chars[0] if level <= 0 else chars[max(1, min(len(chars) - 1, round(level * (len(chars) - 1))))]


WORDS = 12
SEEN = 10  # labels told of what was seen
FEW = 5  # labels told of what was heard or written
NOTICED_S = 3.0
SPARK = 30  # characters for what went on over time, at most
FAILED = "failed"
PARTS = {
    "seen": "detections",
    "heard": "sounds",
    "written": "text",
    "scenes": "scenes",
    "said": "transcription",
    "spoke": "speakers",
}


def summary(
    document: Document, path: Path, page: Page | None = None, *, everything: bool = False, span: Span | None = None
) -> None:
    """Prints what was found, what failed, what it took and where the time went; the last line is where it all is.

    `everything`: however many labels there are. `span`: the document was cut to it, so it is only about what is there.
    """
    page = page or Page()
    title(document, page, part=span is not None)
    if span is not None:
        page.line("only", f"{clock(span.start_s)} to {clock(span.end_s)}")
    found(document, page, span or tally.extent(document), everything=everything)
    if span is None:
        account(document, page)
    page.line("results", str(path), whole=True)


def title(document: Document, page: Page, *, part: bool = False) -> None:
    video = document.video
    what = counted(len(frame_intervals(document)), "frame") if video.width else "audio only"
    page.title(f"{video.path}: {what}" if part else f"{video.path}: {video.duration_s:.1f} s, {what}")


def found(document: Document, page: Page, span: Span, *, everything: bool = False) -> None:
    """What was seen, heard and written, by label, and what was said. `everything`: however many labels there are."""
    groups = {
        "seen": (tally.seen(document, span), SEEN),
        "heard": (tally.heard(document, span), FEW),
        "written": (tally.written(document, span), FEW),
    }
    others = {document.further[name].label: found for name, found in tally.further(document, span).items()}
    groups |= {label: (tallies, FEW) for label, tallies in others.items()}
    told = {name: tallies if everything else tallies[:most] for name, (tallies, most) in groups.items()}
    if any(told.values()):
        page.table(_columns(told, page))
    for name, part in PARTS.items():
        if failed(document, part) is not None:
            page.line(name, FAILED, "red")
    for name, tallies in told.items():
        if not tallies and (name not in PARTS or known(document, PARTS[name])):
            page.line(name, "nothing")
    for name, (tallies, _) in groups.items():
        if len(tallies) > len(told[name]):
            page.line("", f"{len(tallies) - len(told[name])} more {name}; framefleet show lists them")
    if document.scenes:
        page.line("scenes", scenes(document.scenes, page.dots))
    if failed(document, "transcription") is None:
        page.line("said", said(document, page.dots))
    if document.speakers and failed(document, "speakers") is None:
        page.line("", spoke(document.speakers))


def account(document: Document, page: Page) -> None:
    """What failed, what it cost and took, where the time went, and what would help."""
    slow = waited(document.cost)
    for place, line in enumerate(failures(document)):
        page.line("" if place else "failed", line, "red")
    page.line("took", f"{document.timing.wall_s:.1f} s, {money(document.cost)}")
    if columns := times(document.timing):
        page.table(columns)
    if document.timing.bottleneck:
        page.line("bottleneck", f"{document.timing.bottleneck} ({overlapped(document.timing)})")
    if slow:
        page.line("waited", slow)
    if document.timing.advice:
        page.line("advice", document.timing.advice, "yellow")


def scenes(found: Sequence[SceneEntry], dots: str = "...") -> str:
    """How many, and where the first few begin."""
    begin = ", ".join(clock(scene.start_s) for scene in found[:FEW])
    return f"{len(found)}, from {begin}" + (f", {dots}" if len(found) > FEW else "")


def said(document: Document, dots: str = "...") -> str:
    """The first words, or why there are none."""
    if document.transcription is None:
        return "not transcribed"
    words = document.transcription.text.split()
    if words:
        return " ".join(words[:WORDS]) + (f" {dots}" if len(words) > WORDS else "")
    reasons = {skipped.reason for skipped in document.transcription.skipped}
    return f"nothing ({', '.join(sorted(reasons))})" if reasons else "nothing"


def spoke(speakers: Sequence[Speaker]) -> str:
    """How many people spoke, and for how long each, who spoke longest first."""
    longest = sorted(speakers, key=lambda one: -one.talk_s)
    people = "1 person" if len(speakers) == 1 else f"{len(speakers)} people"
    told = ", ".join(
        f"{one.called}{'' if one.certain else ' (uncertain)'} {clock(one.talk_s)}" for one in longest[:FEW]
    )
    return f"{people} spoke: {told}" + (f", {len(speakers) - FEW} more" if len(speakers) > FEW else "")


def failures(document: Document) -> list[str]:
    """A line for each stage that something failed of: how much, and why at first."""
    by_stage: dict[str, list[FailureEntry]] = defaultdict(list)
    for failure in document.failures:
        by_stage[failure.stage].append(failure)
    return [f"{stage}: {_much(entries)}{_why(entries)}" for stage, entries in by_stage.items()]


def _much(entries: Sequence[FailureEntry]) -> str:
    pictures = sum(len(entry.items or ()) for entry in entries)
    spans = sum(entry.span_s is not None for entry in entries)
    of = "audio" if hears(entries[0].stage) else "video"
    parts = [counted(pictures, "frame")] * bool(pictures) + [counted(spans, f"stretch of {of}")] * bool(spans)
    return f"{' and '.join(parts)}; " if parts else ""


def _why(entries: Sequence[FailureEntry]) -> str:
    errors = dict.fromkeys(entry.error for entry in entries)
    first = next(iter(errors))
    return first if len(errors) == 1 else f"first of {len(errors)} errors: {first}"


def waited(cost: Cost) -> str:
    """How long each endpoint took to start on the first request, where a person noticed."""
    return ", ".join(
        f"{stage.first_delay_s:.1f} s for a cold start on {name}"
        for name, stage in cost.stages.items()
        if stage.first_delay_s >= NOTICED_S
    )


def money(cost: Cost) -> str:
    if not any(stage.remote for stage in cost.stages.values()):
        return "$0 (on this machine)"
    paid = f"${cost.usd:.4f}"
    if cost.usd_all_runs is not None and cost.usd_all_runs > cost.usd:
        paid += f" in this run and ${cost.usd_all_runs:.4f} in all runs"
    if any(stage.remote and not stage.billed for stage in cost.stages.values()):
        return f"{paid} plus the transcription API's bill"
    return f"{paid} (estimated ${cost.usd_estimated:.4f}; sequential ${cost.usd_sequential:.4f})"


def overlapped(timing: Timing) -> str:
    return f"average parallelism {timing.overlap:.1f}"


def _columns(groups: Mapping[str, Sequence[Tally]], page: Page) -> list[Column]:
    rows = [one for tallies in groups.values() for one in tallies]
    names = [
        f"{name if place == 0 else '':<{NAME - 1}}" for name, tallies in groups.items() for place in range(len(tallies))
    ]
    columns = [
        Column("", names, style="bold"),
        Column("", [one.label for one in rows], style="cyan", most=32, least=10),
        Column("count", [str(one.count) for one in rows], right=True),
        Column("tracks", ["" if one.tracks is None else str(one.tracks) for one in rows], right=True, rank=3),
        Column("first", [clock(one.first_s) for one in rows], right=True, rank=1),
        Column("last", [clock(one.last_s) for one in rows], right=True, rank=2),
        Column("over time", lambda width: _sparks(rows, width, page), style="green", most=SPARK, least=9, rank=4),
    ]
    return [column for column in columns if column.title != "tracks" or any(column.cells)]  # type: ignore[arg-type]


def _sparks(rows: Sequence[Tally], width: int, page: Page) -> list[str]:
    return [spark(one.levels, width, blocks=page.fancy) for one in rows]
