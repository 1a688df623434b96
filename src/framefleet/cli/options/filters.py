"""Options that select a part of a result, shared by several commands, and how they are applied."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from framefleet.cli.output.format import (
    clean,
    clock,
    instead,
)
from framefleet.errors import UsageError
from framefleet.results.query import search
from framefleet.results.query.availability import known
from framefleet.results.query.filters import choose, labels_of
from framefleet.schema.document import Document
from framefleet.timebase import Seconds, Span, seconds_of

Result = Annotated[Path, typer.Argument(metavar="RESULT.json", help="result of a run", show_default=False)]
Video = Annotated[Path | None, typer.Option(metavar="FILE", help="path of the video, if it was moved")]
Labels = Annotated[str | None, typer.Option(metavar="LABELS", help="keep only these labels, such as person,bus (all)")]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PLACE",
        help="output file, or a folder: an existing one or a name ending in / (next to the JSON)",
        show_default=False,
    ),
]
Conf = Annotated[
    float, typer.Option(help="minimum confidence of an object, 0 to 1 (0)", min=0, max=1, show_default=False)
]
From = Annotated[str | None, typer.Option("--from", metavar="TIME", help="start time, such as 1:02:03")]
To = Annotated[str | None, typer.Option("--to", metavar="TIME", help="end time, exclusive")]


def chosen(document: Document, labels: str | None, conf: float) -> Document:
    """Return the document filtered by `--labels` and `--conf`; report labels without objects on standard error.

    Raises `UsageError` if no object has any of the labels. A document without object results stays unchanged.
    """
    wanted = labels_of(labels)
    if wanted is not None and not wanted:
        raise UsageError("--labels: no label is given", hint="give at least one")
    if not known(document, "detections"):
        return document
    seen = search.labels(document)
    unknown = sorted((wanted or frozenset()).difference(seen))
    said = [f"no objects labelled {label}{instead(label, seen) or '; there are no objects'}" for label in unknown]
    if wanted is not None and len(unknown) == len(wanted):
        raise UsageError(f"--labels {labels}: {said[0]}")
    for line in said:
        print(clean(line), file=sys.stderr)
    return choose(document, wanted, conf)


def part_of(extent: Span, start: str | None, end: str | None, path: Path) -> Span | None:
    """Return the span between `--from` and `--to` of a video that covers `extent`; None if neither is given."""
    if start is None and end is None:
        return None
    from_s = extent.start_s if start is None else time_in(extent, "--from", start, path)
    to_s = extent.end_s if end is None else _time("--to", end)
    if to_s <= from_s:
        if end is None:
            raise UsageError(f"--from {start}: {path} ends there")
        raise UsageError(f"--to {end}: not after the start, {clock(from_s)}")
    return Span(from_s, min(to_s, extent.end_s))


def time_in(extent: Span, option: str, text: str, path: Path) -> Seconds:
    """Parse a time. Raises `UsageError` if `text` is not a time or lies outside `extent`."""
    time_s = _time(option, text)
    if not extent.start_s <= time_s <= extent.end_s:
        raise UsageError(f"{option} {text}: {path} covers {clock(extent.start_s)} to {clock(extent.end_s)}")
    return time_s


def _time(option: str, text: str) -> Seconds:
    time_s = seconds_of(text)
    if time_s is None:
        raise UsageError(f"{option} {text}: not a time", hint="write it as 12.5, 1:02.5 or 1:02:03")
    return time_s
