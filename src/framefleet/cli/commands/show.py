"""`framefleet show`: what a document says, all of it in short or what is looked for."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import typer

from framefleet.cli.options.filters import (
    From,
    Result,
    To,
    part_of,
    time_in,
)
from framefleet.cli.output import answers
from framefleet.cli.output.summary import summary
from framefleet.cli.output.table import Page
from framefleet.errors import UsageError
from framefleet.results.query import search, speakers, tally
from framefleet.results.query.availability import known
from framefleet.results.query.phrases import tokens
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.timebase import Span

NOT_FOUND = 1


def show(
    result: Result,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="everything at a time: 12.5, 1:02.5 or 1:02:03")
    ] = None,
    start: From = None,
    end: To = None,
    label: Annotated[str | None, typer.Option(metavar="LABEL", help="when this label is in view, and how many")] = None,
    say: Annotated[str | None, typer.Option(metavar="WORDS", help="when these words are spoken, in context")] = None,
    speaker: Annotated[
        str | None, typer.Option(metavar="NAME", help="when this speaker talks, with the words: a name, or S1")
    ] = None,
    sound: Annotated[str | None, typer.Option(metavar="NAME", help="when this sound occurs")] = None,
    text: Annotated[
        str | None, typer.Option(metavar="TEXT", help="when this text is on screen (substring match)")
    ] = None,
    find: Annotated[
        str | None, typer.Option(metavar="WORDS", help="search the results of all stages for a name or text")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Show a result as a table, or search it by time, label, word, speaker, sound or text.

    Times are video times. Exits with 1 if a search finds nothing, else with 0.
    """
    whole = read_document(result)
    extent = tally.extent(whole)
    span = part_of(extent, start, end, result)
    document = search.within(whole, span) if span else whole
    moment = None if at is None else search.at(whole, time_in(extent, "--at", at, result))
    wanted = {"label": label, "say": say, "speaker": speaker, "sound": sound, "text": text, "find": find}
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
    "label": search.sightings,
    "say": search.said,
    "speaker": speakers.turns,
    "sound": search.sounds,
    "text": search.texts,
    "find": search.find,
}

_PART = {
    "label": "detections",
    "seen": "detections",
    "say": "transcription",
    "speaker": "speakers",
    "sound": "sounds",
    "heard": "sounds",
    "text": "text",
    "written": "text",
}


def _tell(
    document: Document, moment: search.Moment | None, found: dict[str, Any], wanted: dict[str, str | None]
) -> None:
    page = Page()
    if moment is not None:
        answers.moment(document, moment, page)
    for name, result in found.items():
        answers.TELL[name](document, wanted[name] or "", result, page)


def _json(document: Document, span: Span, moment: search.Moment | None, found: dict[str, Any]) -> str:
    """In ASCII, so that it is the same on every terminal and in every pipe, and does nothing there.

    Null is what nobody looked for, or what failed: not the same as nothing, as in the document.
    """
    told = {n: result if n not in _PART or known(document, _PART[n]) else None for n, result in found.items()}
    told = told if moment is None else {"at": moment, **told}
    if not told:
        told = {n: count(document, span) if known(document, _PART[n]) else None for n, count in tally.KINDS.items()}
        told |= tally.further(document, span)
    return json.dumps(msgspec.to_builtins(told), indent=2)


def _words(name: str, text: str) -> str:
    if not tokens(text):
        raise UsageError(f"--{name} {text!r}: contains no letter or digit to search for")
    return text
