"""`framefleet show`: a summary of a document, or a search in it."""

import inspect
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
from framefleet.results.query import search, tally
from framefleet.results.query.availability import has
from framefleet.results.query.phrases import tokens
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.stages.registry import SPECS
from framefleet.stages.spec import Search
from framefleet.timebase import Span

NOT_FOUND = 1


def with_searches(command: Callable[..., int]) -> Callable[..., int]:
    """Return `command` with an option for each search that a stage declares; passed as the dict `asked`."""
    own = [one for one in inspect.signature(command).parameters.values() if one.name != "asked"]
    place = [one.name for one in own].index("find")
    declared = [search for _, search in searches()]
    options = [
        inspect.Parameter(
            search.option,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[str | None, typer.Option(metavar=search.metavar, help=search.help)],
            default=None,
        )
        for search in declared
    ]

    def wrapped(*given: Any, **values: Any) -> int:
        asked = {search.option: values.pop(search.option, None) for search in declared}
        return command(*given, **values, asked=asked)

    own = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own]
    wrapped.__signature__ = inspect.Signature([*own[:place], *options, *own[place:]])  # type: ignore[attr-defined]
    wrapped.__annotations__ = {one.name: one.annotation for one in [*own, *options]}
    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    return wrapped


def searches() -> list[tuple[str, Search]]:
    """Return the stages with a search option of their own, and that option."""
    return [(name, spec.output.search) for name, spec in SPECS.items() if spec.output.search is not None]


@with_searches
def show(
    result: Result,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="everything at a time: 12.5, 1:02.5 or 1:02:03")
    ] = None,
    start: From = None,
    end: To = None,
    find: Annotated[
        str | None, typer.Option(metavar="WORDS", help="search the results of all stages for a name or text")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
    *,
    asked: dict[str, str | None],
) -> int:
    """Show a result as a table, or search it by time, label, word, speaker, sound or text.

    Times are video times. Exits with 1 if a search finds nothing, else with 0.
    """
    whole = read_document(result)
    extent = tally.extent(whole)
    span = part_of(extent, start, end, result)
    document = search.within(whole, span) if span else whole
    moment = None if at is None else search.at(whole, time_in(extent, "--at", at, result))
    found = {
        (stage, one.option): search.asked(document, stage, _words(one.option, words))
        for stage, one in searches()
        if (words := asked.get(one.option)) is not None
    }
    anything = None if find is None else search.find(document, _words("find", find))
    if as_json:
        print(_json(document, span or extent, moment, found, anything))
    elif moment is None and not found and find is None:
        summary(document, result, everything=True, span=span)
    else:
        page = Page()
        if moment is not None:
            answers.moment(document, moment, page)
        for (stage, option), what in found.items():
            answers.answer(document, stage, asked[option] or "", what, page)
        if find is not None and anything is not None:
            answers.find(document, find, anything, page)
    nothing = (bool(found) or find is not None) and moment is None and not any(found.values()) and not anything
    return NOT_FOUND if nothing else 0


def _json(
    document: Document,
    span: Span,
    moment: search.Moment | None,
    found: dict[tuple[str, str], Any],
    anything: list[search.Match] | None,
) -> str:
    """Return ASCII JSON, which is safe and the same on every terminal and in every pipe.

    Null stands for stages that did not run or failed, as opposed to empty results.
    """
    parts: dict[str, Any] = {} if moment is None else {"at": moment}
    parts |= {option: what if has(document, stage) else None for (stage, option), what in found.items()}
    parts |= {} if anything is None else {"find": anything}
    if not parts:
        for stage in tally.counted(document):
            name = stage if stage in document.further else SPECS[stage].output.label
            parts[name] = tally.counts(document, stage, span) if has(document, stage) else None
    return json.dumps(msgspec.to_builtins(parts), indent=2)


def _words(name: str, text: str) -> str:
    if not tokens(text):
        raise UsageError(f"--{name} {text!r}: contains no letter or digit to search for")
    return text
