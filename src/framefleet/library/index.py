"""The library's SQLite file: its documents, their cards, and the words and vectors that these are found by."""

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framefleet.errors import InputError
from framefleet.library import words
from framefleet.library.cards import VERSION as CARDS_VERSION
from framefleet.library.cards import Card, cards_of
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.storage.database import database_errors, open_database

FILE_NAME = "framefleet-library.sqlite3"
VERSION = 1  # of the tables below
_APPLICATION = 0x46464C42  # "FFLB"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,   -- absolute, as the file system has it
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    video_sha256 TEXT NOT NULL,
    video TEXT NOT NULL,         -- its path, as the document has it
    duration_s REAL NOT NULL,
    language TEXT,
    stages TEXT NOT NULL,        -- separated by spaces
    failures INTEGER NOT NULL,
    usd REAL,
    finished_at TEXT NOT NULL,
    cards_version INTEGER        -- NULL: another document answers for this video
);
CREATE INDEX IF NOT EXISTS documents_by_video ON documents(video_sha256);
CREATE TABLE IF NOT EXISTS cards (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
    start_s REAL NOT NULL,
    end_s REAL NOT NULL,
    said TEXT NOT NULL,
    written TEXT NOT NULL,
    seen TEXT NOT NULL,
    heard TEXT NOT NULL,
    described TEXT NOT NULL,
    seen_by TEXT NOT NULL,
    language TEXT,
    text_sha256 TEXT             -- of the text that a vector stands for; NULL: found by words only
);
CREATE INDEX IF NOT EXISTS cards_by_document ON cards(document);
CREATE INDEX IF NOT EXISTS cards_by_text ON cards(text_sha256);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(
    said, written, seen, heard, described, tokenize='{words.TOKENIZER}'
);
CREATE TABLE IF NOT EXISTS vectors (
    text_sha256 TEXT NOT NULL,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,        -- float16
    PRIMARY KEY (text_sha256, model)
) WITHOUT ROWID;
"""
FIELDS = "start_s, end_s, said, written, seen, heard, described, seen_by, language"
WEIGHTS = "1.0, 1.5, 0.7, 0.7, 1.0"  # of the columns of `words`: what is written is mostly a title


@dataclass(frozen=True, slots=True)
class Known:
    """A document as it was when it was read. `right`: its cards are as this version makes them."""

    id: int
    size: int
    mtime_ns: int
    sha256: str
    right: bool


class Index:
    """The file at `path`, created if there is none. A method that changes it is one transaction."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        with database_errors(path, "the library"):
            self._db = open_database(path, _SCHEMA, VERSION, application=_APPLICATION)
            self._db.execute("PRAGMA synchronous = NORMAL")  # it can be built again, so it need not wait for the disk

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def known(self) -> dict[Path, Known]:
        query = "SELECT path, id, size, mtime_ns, sha256, coalesce(cards_version, ?) = ? FROM documents"
        with self.reading() as db:
            rows = db.execute(query, (CARDS_VERSION, CARDS_VERSION)).fetchall()
        return {
            path_of(path): Known(id, size, mtime_ns, sha256, bool(right))
            for path, id, size, mtime_ns, sha256, right in rows
        }

    def state(self) -> tuple[int, int]:
        """Return what changes whenever anything in the file does."""
        with self.reading() as db:
            return db.execute("PRAGMA data_version").fetchone()[0], db.total_changes

    def touch(self, id: int, size: int, mtime_ns: int) -> None:
        """Note that the document is the same as another file."""
        with self.writing() as db:
            db.execute("UPDATE documents SET size = ?, mtime_ns = ? WHERE id = ?", (size, mtime_ns, id))

    def put(self, path: Path, size: int, mtime_ns: int, sha256: str, document: Document) -> None:
        """Add the document, or replace what was known of that path."""
        about = "video_sha256, video, duration_s, language, stages, failures, usd, finished_at"
        columns = f"path, size, mtime_ns, sha256, {about}"
        values = (os.fsencode(path), size, mtime_ns, sha256, *_about(document))
        with self.writing() as db:
            before = db.execute("SELECT video_sha256 FROM documents WHERE path = ?", values[:1]).fetchone()
            db.execute(
                f"""INSERT INTO documents({columns}) VALUES ({", ".join("?" * len(values))}) ON CONFLICT(path) DO UPDATE
                    SET {", ".join(f"{name} = excluded.{name}" for name in columns.split(", ")[1:])}""",
                values,
            )
            for video in {document.video.sha256, *(before or ())}:
                self._choose(video, {path: document})

    def remove(self, path: Path) -> bool:
        """Remove the document of that path. Return whether it was there."""
        with self.writing() as db:
            found = db.execute("SELECT id, video_sha256 FROM documents WHERE path = ?", (os.fsencode(path),)).fetchone()
            if found is None:
                return False
            id, video = found
            self._without_cards(id)
            db.execute("DELETE FROM documents WHERE id = ?", (id,))
            self._choose(video, {})
        return True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Let one thread in at a time, and raise SQLite's errors as ours."""
        with self._lock, database_errors(self.path, "the library"):
            yield self._db

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all that is read within be of one state of the file, whatever other processes write meanwhile."""
        with self.reading() as db:
            db.execute("BEGIN")
            try:
                yield
            finally:
                if db.in_transaction:  # an error of SQLite may have ended it
                    db.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        with self.reading() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _choose(self, video_sha256: str, read: Mapping[Path, Document]) -> None:
        """Let one document answer for the video: one without failures, with the most stages, the newest.

        Only that one has cards. It is read if it is not in `read`; if it can't be, the next one answers.
        """
        query = """SELECT id, path, cards_version FROM documents WHERE video_sha256 = ? ORDER BY failures > 0,
                   length(stages) - length(replace(stages, ' ', '')) DESC, finished_at DESC, path"""
        chosen = False
        for id, raw, version in self._db.execute(query, (video_sha256,)).fetchall():
            path = path_of(raw)
            if not chosen and version == CARDS_VERSION and path not in read:
                chosen = True
            elif not chosen and (document := read.get(path) or _read(path)) is not None:
                self._put_cards(id, document, same_version=version == CARDS_VERSION)
                chosen = True
            elif version is not None:
                self._without_cards(id)
                self._db.execute("UPDATE documents SET cards_version = NULL WHERE id = ?", (id,))

    def _without_cards(self, id: int) -> None:
        self._db.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM cards WHERE document = ?)", (id,))
        self._db.execute("DELETE FROM cards WHERE document = ?", (id,))

    def _put_cards(self, id: int, document: Document, *, same_version: bool) -> None:
        """Give the document its cards. If it has the same already, as after a run that found nothing new, they stay."""
        query = f"SELECT {FIELDS}, text_sha256 FROM cards WHERE document = ? ORDER BY id"
        rows = [_row(card) for card in cards_of(document)]
        if not same_version or self._db.execute(query, (id,)).fetchall() != rows:
            self._without_cards(id)
            (at,) = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM cards").fetchone()
            insert = f"INSERT INTO cards(id, document, {FIELDS}, text_sha256) VALUES ({', '.join('?' * 12)})"
            self._db.executemany(insert, ((number, id, *row) for number, row in enumerate(rows, at)))
            insert = "INSERT INTO words(rowid, said, written, seen, heard, described) VALUES (?, ?, ?, ?, ?, ?)"
            texts = ((number, *map(words.indexed, row[2:7])) for number, row in enumerate(rows, at))
            self._db.executemany(insert, texts)
        self._db.execute("UPDATE documents SET cards_version = ? WHERE id = ?", (CARDS_VERSION, id))


def _row(card: Card) -> tuple[Any, ...]:
    """Return the card as `FIELDS` and the key of its vector."""
    texts = (card.said, card.written, card.seen, card.heard, card.described)
    return (card.start_s, card.end_s, *texts, card.seen_by, card.language, text_sha256(card))


def text_sha256(card: Card) -> str | None:
    """Return the key of the card's vector; None if it is found by words only."""
    if not words.has_meaning(card.meaning, card.language):
        return None
    return hashlib.sha256(card.meaning.encode()).hexdigest()


def path_of(raw: bytes) -> Path:
    return Path(os.fsdecode(raw))


def _read(path: Path) -> Document | None:
    try:
        return read_document(path)
    except InputError:
        return None


def _about(document: Document) -> tuple[object, ...]:
    video, cost = document.video, document.cost
    return (
        video.sha256,
        video.path,
        video.duration_s,
        document.transcription.language if document.transcription else None,
        " ".join(stages_of(document)),
        len(document.failures),
        cost.usd if cost.usd_all_runs is None else cost.usd_all_runs,
        document.provenance.finished_at,
    )


def stages_of(document: Document) -> list[str]:
    """Return the stages that the document has results of."""
    parts = {"objects": document.detections, "speech": document.transcription}
    parts |= {name: getattr(document, name) for name in ("speakers", "sounds", "text", "scenes", "tracks")}
    return [*(name for name, part in parts.items() if part is not None), *document.further]
