"""The summary at the end of a run, which `framefleet show` prints too."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from framefleet.cli.output.format import clock, counted
from framefleet.cli.output.table import NAME, Column, Page
from framefleet.results.query import tally
from framefleet.results.query.availability import has, why_not
from framefleet.results.query.intervals import frame_intervals
from framefleet.results.query.kinds import as_field, found_of, presentation_of, spans_of
from framefleet.results.query.tally import Level, Tally
from framefleet.schema.cost import Cost
from framefleet.schema.document import Document, FailureEntry
from framefleet.schema.results import FoundSpan
from framefleet.schema.timing import StageTiming, Timing
from framefleet.stages.registry import SPECS
from framefleet.stages.spec import Presentation
from framefleet.timebase import Span


def hears(name: str) -> bool:
    """Return whether work is counted in seconds: that of an audio stage, or the decode for it."""
    return name == "sound" or (name in SPECS and SPECS[name].hears)


def times(timing: Timing) -> list[Column]:
    """Return the columns of the timing table, without idle parts and empty columns."""
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
"""Characters from 0 to the maximum."""

_UNLOOKED = "?"


def spark(levels: Sequence[Level], width: int, *, blocks: bool) -> str:
    """Return at most `width` characters: blocks, with a space for 0, or `.` (0), `:`, `+`, `#`; `?` without samples.

    Of levels that share a character the highest counts, so that short peaks stay visible.
    """
    return "".join(_char(level, blocks=blocks) for level in squeezed(levels, width))


def squeezed(levels: Sequence[Level], width: int) -> list[Level]:
    """Reduce `levels` to at most `width` groups of equal size (within one), each with its maximum."""
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
SEEN = 10  # labels of objects in the summary
FEW = 5  # sounds or texts in the summary
NOTICED_S = 3.0
SPARK = 30  # maximum characters of the column "over time"
FAILED = "failed"


def summary(
    document: Document, path: Path, page: Page | None = None, *, everything: bool = False, span: Span | None = None
) -> None:
    """Print results, failures, cost and timing; the last line is the path of the document.

    `everything` lists all labels. `span` says that the document was cut to it; failures, cost and timing are left out.
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
    """Print objects, sounds and texts by label, scenes, and the first words. `everything` lists all labels."""
    counts = {stage: tally.counts(document, stage, span) for stage in tally.counted(document)}
    shown = {stage: all_ if everything else all_[: _most(stage)] for stage, all_ in counts.items()}
    if any(shown.values()):
        page.table(_columns(document, shown, page))
    presented = sorted(_order(stage) for stage, spec in SPECS.items() if spec.output.presentation is not None)
    for _, _, stage in presented:
        if why_not(document, stage) is not None:
            page.line(_label(document, stage), FAILED, "red")
    for stage, tallies in shown.items():
        if not tallies and has(document, stage):
            page.line(_label(document, stage), "nothing")
    for stage, tallies in counts.items():
        if len(tallies) > len(shown[stage]):
            left = len(tallies) - len(shown[stage])
            page.line("", f"{left} more {_label(document, stage)}; framefleet show lists them")
    for _, _, stage in presented:
        if line := _line(document, stage, page.dots):
            page.line(_label(document, stage), line)


def _order(stage: str) -> tuple[int, int, str]:
    """Return a key that sorts stages by presentation, then as they are registered."""
    presentation = presentation_of(stage)
    place = -1 if presentation is None else list(Presentation).index(presentation)
    return place, list(SPECS).index(stage), stage


def _label(document: Document, stage: str) -> str:
    found = document.further.get(stage)
    return SPECS[stage].output.label if found is None else found.label


def _most(stage: str) -> int:
    return SEEN if presentation_of(stage) is Presentation.FRAMES else FEW


def _line(document: Document, stage: str, dots: str) -> str:
    """Return the summary line of a stage; empty for one that is in the table."""
    presentation = presentation_of(stage)
    there = SPECS[stage].output.key is not None or has(document, stage)
    if presentation is Presentation.STARTS and (spans := list(spans_of(document, stage))):
        return starts(spans, dots)
    line = SPECS[stage].output.line if presentation is Presentation.LINE else None
    if line is not None and (found := found_of(document, stage)):
        return line(found)
    if presentation is Presentation.WORDS and there and why_not(document, stage) is None:
        return said(as_field(document, stage), dots)
    return ""


def account(document: Document, page: Page) -> None:
    """Print failures, cost, timing, the bottleneck and advice."""
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


def starts(found: Sequence[FoundSpan], dots: str = "...") -> str:
    """Return the number of scenes, and where the first few begin."""
    begin = ", ".join(clock(one.start_s) for one in found[:FEW])
    return f"{len(found)}, from {begin}" + (f", {dots}" if len(found) > FEW else "")


def said(document: Document, dots: str = "...") -> str:
    """Return the first words, or why there are none."""
    if document.transcription is None:
        return "not transcribed"
    words = document.transcription.text.split()
    if words:
        begun = " ".join(words[:WORDS]) + (f" {dots}" if len(words) > WORDS else "")
        others = document.transcription.other_languages
        return f"{begun} (also in {', '.join(others)})" if others else begun
    reasons = {skipped.reason for skipped in document.transcription.skipped}
    return f"nothing ({', '.join(sorted(reasons))})" if reasons else "nothing"


def failures(document: Document) -> list[str]:
    """Return a line for each stage with failures: how much failed, and the first error."""
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
    """Return the cold starts of endpoints that were long enough to be noticed."""
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


def _columns(document: Document, groups: Mapping[str, Sequence[Tally]], page: Page) -> list[Column]:
    rows = [one for tallies in groups.values() for one in tallies]
    names = [
        f"{_label(document, stage) if place == 0 else '':<{NAME - 1}}"
        for stage, tallies in groups.items()
        for place in range(len(tallies))
    ]
    made = [Column(name, cells, right=True, rank=3) for name, cells in _counted(document, groups).items() if any(cells)]
    return [
        Column("", names, style="bold"),
        Column("", [one.label for one in rows], style="cyan", most=32, least=10),
        Column("count", [str(one.count) for one in rows], right=True),
        *made,
        Column("first", [clock(one.first_s) for one in rows], right=True, rank=1),
        Column("last", [clock(one.last_s) for one in rows], right=True, rank=2),
        Column("over time", lambda width: _sparks(rows, width, page), style="green", most=SPARK, least=9, rank=4),
    ]


def _counted(document: Document, groups: Mapping[str, Sequence[Tally]]) -> dict[str, list[str]]:
    """Return by stage the count per label for stages that work on another's result."""
    made: dict[str, list[str]] = {}
    for name, spec in SPECS.items():
        found = None if spec.output.counted is None else found_of(document, name)
        if spec.output.counted is not None and found is not None:
            counts = Counter(spec.output.counted(found))
            made[name] = [
                str(counts[one.label]) if stage in spec.needs else ""
                for stage, tallies in groups.items()
                for one in tallies
            ]
    return made


def _sparks(rows: Sequence[Tally], width: int, page: Page) -> list[str]:
    return [spark(one.levels, width, blocks=page.fancy) for one in rows]
