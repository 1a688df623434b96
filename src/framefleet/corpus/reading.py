"""The documents that a command on many results is about."""

from collections.abc import Iterable
from pathlib import Path

from framefleet.errors import InputError
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.storage.folder import ENDING, documents_in


def read_all(places: Iterable[Path]) -> dict[str, Document]:
    """Return the documents at `places` by path, in the order of their paths, each once.

    Of a folder these are all results in it and below. Raises `InputError` for a place without any, and for a file that
    is no result.
    """
    paths = {path.resolve(): path for place in places for path in _at(place)}
    return {str(path): read_document(path) for path in sorted(paths.values(), key=str)}


def _at(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    found = list(documents_in(place))
    if not found:
        raise InputError(f"{place}: no results in it", hint=f"give results of framefleet run, such as clip{ENDING}")
    return found
