"""The journal's SQLite file: its tables, opening it, and what its errors mean for a person."""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framefleet.errors import OutputError

FILE_NAME = "framefleet-journal.sqlite3"
VERSION = 1  # of the tables below
_BUSY_MS = 30_000
_AGAIN_S = 0.05
_CHUNK = 500  # keys a query: SQLite takes at most 999 variables in old builds

_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (
    key TEXT PRIMARY KEY,
    parts BLOB NOT NULL          -- JSON: [[fact, reply], …]
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS submissions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- a number is never given out again: who has lost it may yet speak of it
    endpoint TEXT NOT NULL,      -- kind and id, as in the keys
    job_id TEXT,                 -- NULL until the service has accepted it
    owner TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS carried (
    key TEXT NOT NULL,
    submission INTEGER NOT NULL REFERENCES submissions(id) ON DELETE CASCADE,
    fact BLOB NOT NULL           -- JSON, as the submitting run counted
);
CREATE INDEX IF NOT EXISTS carried_by_key ON carried(key);
CREATE INDEX IF NOT EXISTS carried_by_submission ON carried(submission);
CREATE TABLE IF NOT EXISTS charges (
    endpoint TEXT NOT NULL,
    job_id TEXT NOT NULL,
    source TEXT NOT NULL,        -- the video's sha256
    stage TEXT NOT NULL,
    owner TEXT NOT NULL,
    charge BLOB NOT NULL,        -- JSON: the worker, when, and for how long
    PRIMARY KEY (endpoint, job_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS charges_by_source ON charges(source, stage);
CREATE TABLE IF NOT EXISTS owners (
    name TEXT PRIMARY KEY,
    alive_until REAL NOT NULL    -- seconds since 1970
) WITHOUT ROWID;
"""


def in_chunks(db: sqlite3.Connection, query: str, keys: Sequence[str]) -> Iterator[list[Any]]:
    """The rows that `query`, which ends in `IN ({})`, has for the keys, some keys at a time."""
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        yield db.execute(query.format(",".join("?" * len(chunk))), chunk).fetchall()


def opened(path: Path) -> sqlite3.Connection:
    """The file, made if there is none. Tried again while another process makes it: SQLite waits for no lock then."""
    until = time.monotonic() + _BUSY_MS / 1000
    while True:
        db = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")  # a power cut must not take back what was known
            db.execute("PRAGMA foreign_keys=ON")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in {0, VERSION}:
                db.close()
                raise OutputError(f"{path}: made by another version of FrameFleet; move it away and run again")
            db.executescript(f"{_SCHEMA} PRAGMA user_version = {VERSION};")
            return db
        except sqlite3.DatabaseError as error:
            db.close()
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_AGAIN_S)


def remedy(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "free some space and run the same command again"
    if "readonly" in text or "unable to open" in text:
        return "make the folder writable, or give another output folder"
    if "not a database" in text or "malformed" in text:
        return "move it away and run again"
    return "run the same command again"
