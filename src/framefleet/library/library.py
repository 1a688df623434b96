"""The library: documents of many videos, kept as they are on the disk, and what is found in them."""

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from framefleet.errors import InputError
from framefleet.library.index import FILE_NAME, Index, Known, path_of
from framefleet.library.meaning import Meanings, Model, Tell
from framefleet.library.search import Searcher, SearchResult
from framefleet.schema.codec import decode_from
from framefleet.storage.folder import documents_in
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """A document in the library. `cards` is 0 if it is not searched, because another document of its video is."""

    video: str
    document: Path
    duration_s: Seconds
    language: str | None
    stages: list[str]
    failures: int
    usd: float | None
    finished_at: str
    cards: int


@dataclass(slots=True)
class Added:
    """How many documents were new, had changed, are the same, or are gone. `skipped` could not be read, and why."""

    new: int = 0
    changed: int = 0
    same: int = 0
    gone: int = 0
    skipped: dict[Path, str] = field(default_factory=dict)


def library_in(folder: Path) -> Path:
    """Return the path of a folder's library."""
    return folder / FILE_NAME


def bring_up_to_date(folder: Path) -> None:
    """Let the library of the folder have all documents in it. A run does this at its end."""
    with Library(library_in(folder)) as library:
        library.add(folder, below=False)


class Library:
    """The library in the file at `path`, which is created unless it is said to be there by `exists`.

    Threads may share it, and processes the file. Raises `InputError` and `OutputError`. `open_model` loads the model of
    the texts' meaning; that of set-up if None is given.
    """

    def __init__(self, path: Path, *, exists: bool = False, open_model: Callable[[], Model] | None = None) -> None:
        if exists and not path.is_file():
            raise InputError(f"{path}: no library there", hint="make one with: framefleet library add FOLDER")
        self.path = path
        self._index = Index(path)
        self._meanings = Meanings(self._index, open_model)
        self._search = Searcher(self._index, self._meanings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._index.close()

    def add(self, *paths: Path, below: bool = True) -> Added:
        """Add documents, or all in folders and, with `below`, in the folders in them, and bring known ones up to date.

        A file with the same size and time is not read. Documents that are no longer in one of the folders are removed.
        Raises `InputError` for a file that is given and is no document; those in folders are skipped.
        """
        added, known = Added(), self._index.known()
        for path in map(_absolute, paths):
            if not path.is_dir():
                try:
                    self._look(path, known.get(path), added)
                except _NoDocumentError as error:
                    raise InputError(
                        str(error), hint="give a result of framefleet run, or a folder with results"
                    ) from None
                continue
            found = set(documents_in(path, below=below, known=known))
            for file in sorted(found):
                try:
                    self._look(file, known.get(file), added)
                except _NoDocumentError as error:
                    added.skipped[file] = str(error)
                    found.discard(file)
            of_it = (file for file in known if (file.is_relative_to(path) if below else file.parent == path))
            added.gone += self._remove(file for file in of_it if file not in found)
        return added

    def remove(self, *paths: Path) -> int:
        """Remove documents, or all in folders and below, from the library, not from the disk. Return how many."""
        given = [_absolute(path) for path in paths]
        known = self._index.known()
        return self._remove(file for file in known if any(file.is_relative_to(path) for path in given))

    def documents(self) -> list[Entry]:
        """Return the documents by video, the one that is searched first."""
        query = """SELECT video, path, duration_s, language, stages, failures, usd, finished_at,
                   (SELECT count(*) FROM cards WHERE document = documents.id)
                   FROM documents ORDER BY video, cards_version IS NULL, finished_at DESC, path"""
        with self._index.reading() as db:
            rows = db.execute(query).fetchall()
        return [
            Entry(video, path_of(path), duration_s, language, stages.split(), *rest)
            for video, path, duration_s, language, stages, *rest in rows
        ]

    def embed(self, tell: Tell = lambda _: None) -> int:
        """Give a vector to each text that has none, and return how many had none. Without the model none gets one.

        `search` begins with this. A text takes about 11 CPU ms, once; `tell` is called with a line if there are many.
        """
        return self._meanings.learn(tell)

    def search(self, text: str, *, most: int = 10, tell: Tell = lambda _: None) -> SearchResult:
        """Return where the words of `text`, or what they mean, occur, best first.

        Words are searched in all languages, the meaning in English. Nothing is left out as too far from it: if little
        fits, the last hits have little to do with the words.
        """
        self.embed(tell)
        return self._search(text, most)

    def _look(self, path: Path, known: Known | None, added: Added) -> None:
        """Read the document if it is new or has changed. Raises `_NoDocumentError`."""
        try:
            stat = path.stat()
            size, mtime_ns = stat.st_size, stat.st_mtime_ns
            if known is not None and known.right and (known.size, known.mtime_ns) == (size, mtime_ns):
                added.same += 1
                return
            content = path.read_bytes()
            sha256 = hashlib.sha256(content).hexdigest()
            if known is not None and known.right and known.sha256 == sha256:
                self._index.touch(known.id, size, mtime_ns)
                added.same += 1
                return
            document = decode_from(content, str(path))
        except OSError as error:
            raise _NoDocumentError(f"{path}: cannot be read ({error.strerror})") from None
        except InputError as error:
            raise _NoDocumentError(error.message) from None
        self._index.put(path, size, mtime_ns, sha256, document)
        added.new += known is None
        added.changed += known is not None

    def _remove(self, paths: Iterable[Path]) -> int:
        return sum(self._index.remove(path) for path in paths)


class _NoDocumentError(Exception):
    """Why a file is not taken."""


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links
