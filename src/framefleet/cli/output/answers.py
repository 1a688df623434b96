"""Output of the searches of `framefleet show`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from framefleet.cli.output.format import clock, counted, instead
from framefleet.cli.output.table import NAME, Column, Page, width_of
from framefleet.results.query.availability import has, why_not
from framefleet.results.query.kinds import as_field, found_of, kinds, spans_of
from framefleet.results.query.phrases import words_of
from framefleet.results.query.search import (
    LabelInterval,
    Match,
    Moment,
    SpokenMatch,
    Thing,
    during,
    labels,
)
from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS
from framefleet.stages.spec import BOX_TITLE, SPAN_COLUMNS, Presentation, Search, Shown, box


def quoted(said: SpokenMatch, dots: str) -> str:
    middle = f"[{said.text}]" if said.text else dots
    return " ".join(part for part in (said.before, middle, said.after) if part)


def in_view(said: SpokenMatch, width: int, dots: str) -> str:
    """Return the quote shortened to `width`: words are dropped at the longer end, and the match stays."""
    before, after = words_of(said.before), words_of(said.after)
    shown = said
    while width_of(quoted(shown, dots)) > width and (before or after):
        if len("".join(before)) >= len("".join(after)):
            before.pop(0)
            shown = replace(shown, before=f"{dots}{''.join(before)}")
        else:
            after.pop()
            shown = replace(shown, after=f"{''.join(after)}{dots}")
    return quoted(shown, dots)


def moment(document: Document, now: Moment, page: Page) -> None:
    """Print all results at a time."""
    page.title(f"{clock(now.time_s)} of {document.video.path}")
    if now.scene is not None:
        total, scene = len(document.scenes or ()), now.scene
        page.line("scene", f"{scene.index + 1} of {total}, {clock(scene.start_s)} to {clock(scene.end_s)}")
    for stage, spec in SPECS.items():
        if spec.output.key is None or spec.output.presentation is None:
            continue
        if spec.output.presentation is Presentation.FRAMES:
            _seen(document, stage, now, page)
        elif spec.output.presentation is Presentation.WORDS:
            said = quoted(now.said, page.dots) if now.said else _lacking(document, stage, "nothing")
            page.line(spec.output.label, said)
        elif spec.output.search is not None:
            _there(document, stage, spec.output.search, now, page)
    for name, found in ({} if now.results is UNSET else now.results).items():
        page.line(document.further[name].label, ", ".join(one.name for one in found) or "nothing")


def _there(document: Document, stage: str, search: Search, now: Moment, page: Page) -> None:
    """Print a stage's results at a time: names in a line, texts in a table."""
    label, found = SPECS[stage].output.label, during(document, stage, now.time_s)
    if found and not search.names:
        page.table([_name(label, len(found)), *_columns(search.columns, found)])
        return
    # a search of its own has columns for what it finds, which these spans are not
    cells = (one.name if search.find else " ".join(column.cell(one) for column in search.columns) for one in found)
    page.line(label, ", ".join(cells) or _lacking(document, stage, "nothing"))


def answer(document: Document, stage: str, wanted: str, found: Any, page: Page) -> None:
    """Print the matches of a stage's search option, or why there are none."""
    kind, document = SPECS[stage].output, as_field(document, stage)
    assert kind.search is not None
    if kind.presentation is Presentation.FRAMES:
        _labels(document, stage, kind.search, wanted, found, page)
    elif not found:
        there = sorted({span.name for span in spans_of(document, stage)}) if kind.search.names else []
        nothing = f"no {wanted}{instead(wanted, there)}" if kind.search.names else f"no match for {wanted}"
        page.line(kind.label, _not_found(document, stage, nothing))
    elif kind.presentation is Presentation.WORDS:
        page.table([_name(kind.label, len(found)), *_spans(found), _words(found, page)])
    else:
        spans_alone = found_of(document, stage) is None  # another version of the stage wrote it
        columns = _columns(SPAN_COLUMNS if spans_alone else kind.search.columns, found)
        page.table([_name(kind.label, len(found)), *_spans(found), *columns])


def _labels(
    document: Document,
    stage: str,
    search: Search,
    wanted: str,
    found: Mapping[str, Sequence[LabelInterval]],
    page: Page,
) -> None:
    """Print the intervals of a label, with counts and tracks."""
    label = SPECS[stage].output.label
    if not found:
        there = labels(document)
        page.line(label, _not_found(document, stage, f"no {wanted}{instead(wanted, there)}"))
    for name, stretches in found.items():
        tracks = sorted({track for one in stretches for track in one.tracks})
        most = max(one.most for one in stretches)
        pictures = counted(sum(one.pictures for one in stretches), "frame")
        page.line(label, f"{name} in {pictures}, at most {most} at once{_tracks(tracks)}")
        page.table([_name("", len(stretches)), *_spans(stretches), *_columns(search.columns, stretches)])


def _words(found: Sequence[SpokenMatch], page: Page) -> Column:
    """Print spoken phrases in context."""
    widest = max(width_of(quoted(one, page.dots)) for one in found)
    return Column("words", lambda width: [in_view(one, width, page.dots) for one in found], least=10, most=widest)


def _columns(shown: Sequence[Shown], found: Sequence[Any]) -> list[Column]:
    return [
        Column(
            one.title,
            [one.cell(each) for each in found],
            style="cyan" if one.main else "",
            right=one.right,
            rank=one.rank,
            least=10 if one.main else one.least,
            most=one.most,
        )
        for one in shown
    ]


def find(document: Document, wanted: str, found: Sequence[Match], page: Page) -> None:
    """Print the matches of all stages."""
    if not found:
        there = sorted({span.name for kind in kinds(document) for span in kind.spans})
        page.line("found", f"no {wanted}{instead(wanted, there)}")
        return
    firsts = [one.kind if not place or found[place - 1].kind != one.kind else "" for place, one in enumerate(found)]
    names = Column("what", [one.name for one in found], style="cyan", least=10)
    sure = ["" if one.confidence is None else f"{one.confidence:.2f}" for one in found]
    confidences = Column("confidence", sure, right=True, rank=1)
    page.table([Column("", [f"{one:<{NAME - 1}}" for one in firsts], style="bold"), *_spans(found), names, confidences])


def _seen(document: Document, stage: str, now: Moment, page: Page) -> None:
    label = SPECS[stage].output.label
    if now.things is None or now.picture_s is None:
        page.line(label, _lacking(document, stage, _unseen(now)))
        return
    if not now.things:
        page.line(label, f"nothing in the frame at {clock(now.picture_s)}")
        return
    page.table(_things(now.things, label, f"frame at {clock(now.picture_s)}"))


def _unseen(now: Moment) -> str:
    if now.picture_s is None:
        return "nothing"
    if now.cut_since:
        return f"unknown: a cut since the frame at {clock(now.picture_s)}; boxes follow with the next sample"
    return "unknown: no answer for this frame"


def _things(things: Sequence[Thing], label: str, title: str) -> list[Column]:
    return [
        _name(label, len(things)),
        Column(title, [one.label for one in things], style="cyan", least=10),
        Column("confidence", [f"{one.confidence:.2f}" for one in things], right=True, rank=2),
        Column("track", ["" if one.track is None else str(one.track) for one in things], right=True, rank=1),
        Column(BOX_TITLE, [box(one) for one in things], rank=3),
    ]


def _name(name: str, rows: int) -> Column:
    return Column("", [f"{name if row == 0 else '':<{NAME - 1}}" for row in range(rows)], style="bold")


def _spans(found: Iterable[Any]) -> list[Column]:
    times = [(clock(one.start_s), clock(one.end_s)) for one in found]
    return [
        Column("from", [start for start, _ in times], right=True),
        Column("to", [end for _, end in times], right=True),
    ]


def _tracks(numbers: Sequence[int]) -> str:
    """Return the numbers as the end of a line, such as `, tracks 1, 2`; empty without any."""
    return f", track{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}" if numbers else ""


def _not_found(document: Document, stage: str, otherwise: str) -> str:
    """Return why a search has no match, as `_lacking`; mention it if the stage failed partly."""
    in_part = has(document, stage) and any(failure.stage == stage for failure in document.failures)
    return _lacking(document, stage, otherwise) + (f" ({stage} failed partly)" if in_part else "")


def _lacking(document: Document, stage: str, otherwise: str) -> str:
    """Return why there are no results: the stage did not run, it failed, or else `otherwise`."""
    if has(document, stage):
        return otherwise
    error = why_not(document, stage)
    return "unknown: stage not run" if error is None else f"unknown: {stage} failed ({error})"
