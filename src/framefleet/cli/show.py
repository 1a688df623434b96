"""`framefleet show`: what a document says, all of it in short or what is looked for."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from framefleet.cli import answers
from framefleet.cli.summary import summary
from framefleet.cli.table import Page
from framefleet.cli.words import clock, seconds_of
from framefleet.errors import UsageError
from framefleet.results import find, tally
from framefleet.results.codec import read_document
from framefleet.results.document import Document
from framefleet.results.phrase import tokens
from framefleet.units import Seconds, Span

NOT_FOUND = 1


def show(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="what a run has written", show_default=False)],
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="all there is at a time: 12.5, 1:02.5 or 1:02:03")
    ] = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="look only from this time on")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="look only before this time")] = None,
    label: Annotated[str | None, typer.Option(metavar="LABEL", help="when this is seen, and how many at once")] = None,
    say: Annotated[str | None, typer.Option(metavar="WORDS", help="when this is said, and the words around")] = None,
    sound: Annotated[str | None, typer.Option(metavar="NAME", help="when this is heard")] = None,
    text: Annotated[str | None, typer.Option(metavar="TEXT", help="when this is written, also inside words")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the same for programs")] = False,
) -> int:
    """Show a result as a table, or what is in it at a time, of a label, a word, a sound or a text.

    Times are those of the video. Ends with 1 if nothing of what was looked for is there, else with 0.
    """
    whole = read_document(result)
    extent = tally.extent(whole)
    span = _span(extent, start, end, result)
    document = find.within(whole, span) if span else whole
    moment = None if at is None else find.at(whole, _inside(extent, "--at", at, result))
    wanted = {"label": label, "say": say, "sound": sound, "text": text}
    found = {name: _SEARCH[name](document, _words(name, words)) for name, words in wanted.items() if words is not None}
    if as_json:
        print(_json(document, span or extent, moment, found))
    elif moment is None and not found:
        summary(document, result, everything=True, span=span)
    else:
        _tell(document, moment, found, wanted)
    nothing = bool(found) and moment is None and not any(found.values())
    return NOT_FOUND if nothing else 0


_SEARCH: dict[str, Callable[[Document, str], Any]] = {
    "label": find.sightings,
    "say": find.said,
    "sound": find.sounds,
    "text": find.texts,
}


def _tell(document: Document, moment: find.Moment | None, found: dict[str, Any], wanted: dict[str, str | None]) -> None:
    page = Page()
    if moment is not None:
        answers.moment(document, moment, page)
    for name, result in found.items():
        answers.TELL[name](document, wanted[name] or "", result, page)


def _json(document: Document, span: Span, moment: find.Moment | None, found: dict[str, Any]) -> str:
    """In ASCII, so that it is the same on every terminal and in every pipe, and does nothing there."""
    told = found if moment is None else {"at": moment, **found}
    told = told or {name: count(document, span) for name, count in tally.KINDS.items()}
    return json.dumps(msgspec.to_builtins(told), indent=2)


def _span(extent: Span, start: str | None, end: str | None, path: Path) -> Span | None:
    """What `--from` and `--to` leave of the video; None if neither is given."""
    if start is None and end is None:
        return None
    from_s = extent.start_s if start is None else _inside(extent, "--from", start, path)
    to_s = extent.end_s if end is None else _time("--to", end)
    if to_s <= from_s:
        raise UsageError(f"--to {clock(to_s)} is not after {clock(from_s)}, where to begin")
    return Span(from_s, min(to_s, extent.end_s))


def _inside(extent: Span, option: str, text: str, path: Path) -> Seconds:
    time_s = _time(option, text)
    if not extent.start_s <= time_s <= extent.end_s:
        raise UsageError(f"{option} {text}: {path} goes from {clock(extent.start_s)} to {clock(extent.end_s)}")
    return time_s


def _time(option: str, text: str) -> Seconds:
    time_s = seconds_of(text)
    if time_s is None:
        raise UsageError(f"{option} {text}: not a time; say it as 12.5, 1:02.5 or 1:02:03")
    return time_s


def _words(name: str, text: str) -> str:
    if not tokens(text):
        raise UsageError(f"--{name} {text!r}: there is no letter or digit in it to look for")
    return text
