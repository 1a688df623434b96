"""The places that results are kept in, each as the contract's tests need it: opened anew, aged, and broken."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest.mock import patch

from msgspec.structs import replace

from framefleet.schema.document import Document, FailureEntry
from framefleet.storage.base import ResultStore
from framefleet.storage.folder import FolderResults
from framefleet.storage.sqlite import SqliteResults
from tests.results.make import make_document

DOCUMENT = make_document()
CAT, DOG = "ca" * 32, "d0" * 32  # two videos


def about(sha256: str, note: str = "", path: str = "clip.mp4") -> Document:
    """A document of that video, told from others by its note."""
    failures = [FailureEntry(stage="objects", items=[0], error=note, attempts=1)]
    return replace(DOCUMENT, video=replace(DOCUMENT.video, sha256=sha256, path=path), failures=failures)


class FolderPlace:
    """`open` gives another store of the same place, as another process has; `now` is when what is put was written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "results"
        self.now: float | None = None

    def open(self) -> ResultStore:
        return FolderResults(self._folder)

    def put(self, name: str, document: Document) -> None:
        store = FolderResults(self._folder)
        store.put(name, document)
        if self.now is not None:
            os.utime(store.path(name), (self.now, self.now))

    @contextmanager
    def full(self) -> Iterator[None]:
        """Whatever is written is cut off half-way, as on a disk that fills up."""
        with patch("os.fsync", side_effect=OSError(28, "No space left on device")):
            yield


class SqlitePlace:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "results" / "results.sqlite3"
        self.now: float | None = None

    def open(self) -> ResultStore:
        clock = {} if self.now is None else {"clock": lambda: self.now}
        return SqliteResults(self._path, **clock)

    def put(self, name: str, document: Document) -> None:
        store = self.open()
        store.put(name, document)
        store.close()

    @contextmanager
    def full(self) -> Iterator[None]:
        """A row is written, and then there is no room for what else belongs to it."""
        trigger = (
            "CREATE TRIGGER full AFTER INSERT ON results BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
        with closing(sqlite3.connect(self._path)) as db:
            db.execute(trigger)
            yield
            db.execute("DROP TRIGGER full")


PLACES: dict[str, type[FolderPlace] | type[SqlitePlace]] = {"folder": FolderPlace, "sqlite": SqlitePlace}
