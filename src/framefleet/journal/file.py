"""The journal's SQLite file: its name and its tables."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from framefleet.storage.database import open_database

FILE_NAME = "framefleet-journal.sqlite3"
VERSION = 1  # of the tables below
_CHUNK = 500  # keys per query: old builds of SQLite take at most 999 variables

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
CREATE TABLE IF NOT EXISTS kept (
    source TEXT NOT NULL,        -- the video's sha256
    stage TEXT NOT NULL,
    value BLOB NOT NULL,         -- what the stage keeps from one run on the video to the next
    PRIMARY KEY (source, stage)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identities (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,        -- the video's sha256
    stage TEXT NOT NULL,
    asked BLOB NOT NULL,         -- JSON: what answers depend on besides the video, of which a key has only a hash
    asked_at REAL NOT NULL,      -- seconds since 1970, by the last run
    UNIQUE (source, stage, asked)
);
CREATE TABLE IF NOT EXISTS belongs (
    key TEXT PRIMARY KEY,
    identity INTEGER NOT NULL REFERENCES identities(id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS belongs_by_identity ON belongs(identity);
CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY,
    state TEXT NOT NULL,         -- size, times and inode with which it had this sha256
    sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (
    name TEXT PRIMARY KEY,
    alive_until REAL NOT NULL    -- seconds since 1970
) WITHOUT ROWID;
"""


def in_chunks(db: sqlite3.Connection, query: str, keys: Sequence[str]) -> Iterator[list[Any]]:
    """Yield the rows of `query`, which ends in `IN ({})`, for the keys, some keys at a time."""
    for start in range(0, len(keys), _CHUNK):
        chunk = keys[start : start + _CHUNK]
        yield db.execute(query.format(",".join("?" * len(chunk))), chunk).fetchall()


def opened(path: Path) -> sqlite3.Connection:
    """Open the file, or create it if there is none."""
    return open_database(path, _SCHEMA, VERSION)
