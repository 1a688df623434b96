"""`framefleet library`: many results in one place, and the search in all of them."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import typer

from framefleet.cli.output.format import clean, clock, counted
from framefleet.errors import UsageError

if TYPE_CHECKING:
    from framefleet.library import Entry, Library, SearchResult

NOT_FOUND = 1


def library(
    action: Annotated[
        Literal["add", "list", "search", "remove"],
        typer.Argument(metavar="add|list|search|remove", help="what to do", show_default=False),
    ],
    given: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RESULT|FOLDER|WORDS", help="results, or folders with all below them; for search, words"
        ),
    ] = None,
    place: Annotated[
        Path, typer.Option("--library", metavar="FILE", help="the library, or the folder it is in", show_default=True)
    ] = Path("output"),
    most: Annotated[int, typer.Option(metavar="N", help="of a search, how many to print at most", min=1)] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> int:
    """Search many results at once: add them to a library, list what is in it, search all, or remove some.

    A search finds words in any language, and in English also what means the same. A library is made from results
    alone: it can be deleted and built again. Each run adds its results to the library of its output folder. Exits with
    1 if a search finds nothing, else with 0.
    """
    if (action == "list") is bool(given):
        raise UsageError(f"{action}: {'takes no arguments' if given else 'nothing is given'}", hint=_USAGE[action])
    from framefleet.library import Library, library_in

    path = library_in(place) if place.is_dir() or not place.suffix else place
    with Library(path, exists=action != "add") as opened:
        return _DO[action](opened, given or [], most, as_json)


_USAGE = {
    "add": "give results, or folders with results",
    "list": "run: framefleet library list",
    "search": 'give words: framefleet library search "words"',
    "remove": "give results, or folders with results",
}


def _add(library: "Library", given: list[str], _: int, as_json: bool) -> int:
    added = library.add(*map(Path, given))
    library.embed(_tell)
    for why in added.skipped.values():
        _tell(f"skipped: {why}")
    if as_json:
        numbers = {"new": added.new, "changed": added.changed, "same": added.same, "gone": added.gone}
        _print_json(numbers | {"skipped": [str(path) for path in added.skipped]})
        return 0
    parts = [f"{added.new} new", f"{added.changed} changed", f"{added.same} unchanged", f"{added.gone} gone"]
    print(clean(f"{library.path}: {', '.join(parts)}"))
    return 0


def _list(library: "Library", _: list[str], __: int, as_json: bool) -> int:
    entries = library.documents()
    if as_json:
        _print_json(list(map(_plain, entries)))
    elif not entries:
        print(clean(f"{library.path}: no results in it"))
    else:
        _entries(entries)
    return 0


def _search(library: "Library", given: list[str], most: int, as_json: bool) -> int:
    text = " ".join(given)
    if not any(char.isalnum() for char in text):
        raise UsageError(f"{text!r}: contains no letter or digit to search for")
    answer = library.search(text, most=most, tell=_tell)
    if answer.words_only is not None and (as_json or answer.hits):
        _tell(answer.words_only)
    if as_json:
        _print_json(list(map(_plain, answer.hits)))
    elif answer.hits:
        _hits(answer)
    elif answer.words_only is not None:  # it may be there, in other words
        print(clean(f"{text}: {answer.words_only}; try other words"))
    else:
        print(clean(f"nothing found for {text}"))
    return 0 if answer.hits else NOT_FOUND


def _remove(library: "Library", given: list[str], _: int, as_json: bool) -> int:
    removed = library.remove(*map(Path, given))
    if as_json:
        _print_json({"removed": removed})
    else:
        print(clean(f"{library.path}: {counted(removed, 'result')} removed"))
    return 0


_DO = {"add": _add, "list": _list, "search": _search, "remove": _remove}


def _entries(entries: "list[Entry]") -> None:
    from framefleet.cli.output.table import Column, Page

    page = Page()
    page.table(
        [
            Column("video", [one.video for one in entries], least=16),
            Column("length", [clock(one.duration_s) for one in entries], right=True),
            Column("language", [one.language or "-" for one in entries], rank=3),
            Column("stages", [" ".join(one.stages) for one in entries], rank=2, least=8),
            Column("parts", [str(one.cards) if one.cards else "-" for one in entries], right=True, rank=1),
            Column("result", [str(one.document) for one in entries], least=20),
        ]
    )


def _hits(answer: "SearchResult") -> None:
    from framefleet.cli.output.table import Page
    from framefleet.outputs.report.make import report_path

    page = Page()
    for hit in answer.hits:
        page.title(f"{hit.video}  {clock(hit.start_s)} to {clock(hit.end_s)}")
        page.line(hit.source, hit.text)
        report = report_path(hit.document)
        link = f"{report.as_uri()}#t={hit.start_s:.2f}" if report.is_file() else str(hit.document)
        page.line("report" if report.is_file() else "result", link, whole=True)


def _plain(row: Any) -> Any:
    return msgspec.to_builtins(row, enc_hook=str)


def _print_json(what: Any) -> None:
    print(json.dumps(what, indent=2))


def _tell(line: str) -> None:
    print(clean(line), file=sys.stderr, flush=True)
