"""Results in one SQLite file, for many videos. Not for network disks, where processes cannot share SQLite's memory."""

import gzip
import io
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from framefleet.errors import NotStoredError
from framefleet.schema.codec import decode_from, encode
from framefleet.schema.document import Document
from framefleet.storage.base import (
    Page,
    ResultQuery,
    ResultStore,
    StoredResult,
    another_video,
    checked_name,
    cursor_behind,
    place_of,
)
from framefleet.storage.database import database_errors, open_database

VERSION = 1  # of the table below
_APPLICATION = 0x46464C52  # "FFLR"
_LEVEL = 6  # 5 MB for an hour become 1.1 in 0.15 s; 9 takes three times as long for 3 % less, 1 a third for 20 % more

_SCHEMA = """
CREATE TABLE IF NOT EXISTS results (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,   -- UTF-8, and what a file's name has that is no text
    sha256 TEXT NOT NULL,        -- the video's
    path BLOB NOT NULL,
    duration_s REAL NOT NULL,
    written_at REAL NOT NULL,    -- seconds since 1970
    bytes INTEGER NOT NULL,      -- of the JSON
    document BLOB NOT NULL       -- the JSON, gzipped; last, so that a list reads none of it
);
CREATE INDEX IF NOT EXISTS results_by_time ON results(written_at DESC, name);
CREATE INDEX IF NOT EXISTS results_by_video ON results(sha256, written_at DESC, name);
CREATE INDEX IF NOT EXISTS results_by_path ON results(path, written_at DESC, name);
"""
_COLUMNS = "name, sha256, path, duration_s, written_at, bytes"


class SqliteResults(ResultStore):
    """The store in the file at `path`, which is created if there is none. Raises `OutputError` if that fails."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        with database_errors(path, "the store"):
            self._db = open_database(path, _SCHEMA, VERSION, application=_APPLICATION)

    def claim(self, name: str, sha256: str) -> None:
        with self._transaction():
            self._check_owner(name, sha256)

    def find(self, name: str) -> StoredResult | None:
        with self._locked():
            query = f"SELECT {_COLUMNS} FROM results WHERE name = ?"
            row = self._db.execute(query, (_key(name),)).fetchone()
        return None if row is None else _stored(row)

    def put(self, name: str, document: Document) -> StoredResult:
        content, video = encode(document), document.video
        packed = gzip.compress(content, _LEVEL, mtime=0)
        with self._transaction() as db:
            self._check_owner(name, video.sha256)
            row = (_key(name), video.sha256, _bytes(video.path), video.duration_s, self._clock(), len(content))
            db.execute("DELETE FROM results WHERE name = ?", row[:1])
            db.execute(f"INSERT INTO results ({_COLUMNS}, document) VALUES (?, ?, ?, ?, ?, ?, ?)", (*row, packed))
        return _stored(row)

    def get(self, name: str) -> Document:
        with self.open(name) as file:
            return decode_from(file.read(), self.where(name))

    def open(self, name: str) -> BinaryIO:
        with self._locked():
            row = self._db.execute("SELECT document FROM results WHERE name = ?", (_key(name),)).fetchone()
        if row is None:
            raise NotStoredError(f"{self.where(name)}: there is no such result")
        packed = io.BytesIO(row[0])  # a tenth of the document's size; later writes do not change it
        return cast(BinaryIO, gzip.GzipFile(fileobj=packed))

    def delete(self, name: str) -> bool:
        with self._transaction() as db:
            return db.execute("DELETE FROM results WHERE name = ?", (_key(name),)).rowcount > 0

    def where(self, name: str) -> str:
        return f"{self.path}: {name}"

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def list(self, query: ResultQuery = ResultQuery(), *, cursor: str | None = None) -> Page:
        conditions: dict[str, tuple[object, ...]] = {}
        if query.sha256 is not None:
            conditions["sha256 = ?"] = (query.sha256,)
        if query.path is not None:
            conditions["path = ?"] = (_bytes(query.path),)
        if query.prefix:
            conditions["substr(name, 1, ?) = ?"] = (len(_bytes(query.prefix)), _bytes(query.prefix))
        if query.since is not None:
            conditions["written_at >= ?"] = (query.since,)
        if query.before is not None:
            conditions["written_at < ?"] = (query.before,)
        if cursor is not None:
            written_at, name = place_of(cursor)
            conditions["(written_at < ? OR (written_at = ? AND name > ?))"] = (written_at, written_at, _bytes(name))
        chosen = " AND ".join(["1", *conditions])
        select = f"SELECT {_COLUMNS} FROM results WHERE {chosen} ORDER BY written_at DESC, name LIMIT ?"
        values = [value for given in conditions.values() for value in given]
        with self._locked():
            rows = self._db.execute(select, [*values, query.limit + 1]).fetchall()
        results = [_stored(row) for row in rows[: query.limit]]
        return Page(results, cursor_behind(results[-1]) if len(rows) > query.limit else None)

    def _check_owner(self, name: str, sha256: str) -> None:
        row = self._db.execute("SELECT sha256 FROM results WHERE name = ?", (_key(name),)).fetchone()
        if row is not None and row[0] != sha256:
            raise another_video(self.where(name))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._locked():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one thread in at a time, and raise SQLite's errors as ours."""
        with self._lock, database_errors(self.path, "the store"):
            yield


def _key(name: str) -> bytes:
    return _bytes(checked_name(name))


def _bytes(text: str) -> bytes:
    """Return the text as UTF-8, with the surrogates of file names that are not text. Sorts as the text does."""
    return text.encode("utf-8", "surrogatepass")


def _stored(row: tuple[bytes, str, bytes, float, float, int]) -> StoredResult:
    name, sha256, path, duration_s, written_at, size = row
    return StoredResult(
        name=name.decode("utf-8", "surrogatepass"),
        sha256=sha256,
        path=path.decode("utf-8", "surrogatepass"),
        duration_s=duration_s,
        written_at=written_at,
        bytes=size,
    )
