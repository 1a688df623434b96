"""Reading a journal for a plan, without locking it or writing to it."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from framefleet.journal.file import in_chunks
from framefleet.journal.owner import surely_gone
from framefleet.journal.shared import folders_in, shared_asked, shared_charges, shared_kept, shared_keys
from framefleet.logs import logger
from framefleet.timebase import Seconds

_VERSION = 1  # raised when the same key would no longer mean the same answer


def piece_key(source_sha256: str, endpoint: str, name: str, identity: Mapping[str, Any]) -> str:
    """Return the key of a work item: a sha256 over the file, the item's `name` in it, the endpoint, and its settings.

    It depends on neither index nor batch, so that splitting, another fps and a resumed run find the same answer.
    """
    parts = [_VERSION, source_sha256, endpoint, name, identity]
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def private_key(stage: str, key: str) -> str:
    """Return the key of an answer about a person, which begins with the stage so that all of its can be removed."""
    return f"{stage}/{key}"


log = logger(__name__)


def is_there(path: Path) -> bool:
    """Return whether there is a file to read; False if it is out of reach, which the run itself will report."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def answered(path: Path, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that the journal at `path` (a file, or a shared folder) has answers to; none if it
    cannot be read."""
    if path.is_dir():
        return shared_keys(path, jobs=False).intersection(keys)
    return _found(path, "SELECT key FROM answers WHERE key IN ({})", keys)


def paid_for(path: Path, keys: Sequence[str]) -> set[str]:
    """Return those of the keys that have answers, or were sent and may still be answered."""
    if path.is_dir():
        return shared_keys(path, jobs=True).intersection(keys)
    return answered(path, keys) | _found(path, "SELECT key FROM carried WHERE key IN ({})", keys)


def last_asked(path: Path, source: str, stage: str) -> dict[str, Any] | None:
    """Return what a run last asked the stage about the video and got answers to, by field; None if it is not known."""
    query = """SELECT asked FROM identities WHERE source = ? AND stage = ? AND EXISTS (
               SELECT 1 FROM belongs JOIN answers USING (key) WHERE identity = identities.id)
               ORDER BY asked_at DESC, id DESC LIMIT 1"""
    if path.is_dir():
        asked = shared_asked(path, stage)
        return None if asked is None else msgspec.json.decode(asked, type=dict[str, Any])
    with _unless_unreadable(path), _looking(path) as db:
        row = db.execute(query, (source, stage)).fetchone()
        return msgspec.json.decode(row[0], type=dict[str, Any]) if row else None
    return None


def recalled(path: Path, source: str, stage: str) -> bytes | None:
    """Return what the stage keeps of the video; None if it keeps nothing."""
    if path.is_dir():
        return shared_kept(path, stage)
    with _unless_unreadable(path), _looking(path) as db:
        row = db.execute("SELECT value FROM kept WHERE source = ? AND stage = ?", (source, stage)).fetchone()
        return bytes(row[0]) if row else None
    return None


def noted_sha256(path: Path, file: Path, state: str) -> str | None:
    """Return the sha256 that the file had in that state; None if it is not known."""
    with _unless_unreadable(path), _looking(path) as db:
        query = "SELECT sha256 FROM files WHERE path = ? AND state = ?"
        row = db.execute(query, (os.fsencode(file), state)).fetchone()
        return str(row[0]) if row else None
    return None


def charged(path: Path) -> list[tuple[str, str, bytes]]:
    """Return endpoint (kind and id), sha256 of the video and usage of all jobs in the journal at `path` (a file, or the
    shared folder of all videos)."""
    if path.is_dir():
        return [(end, video.name, used) for video in folders_in(path) for end, used in shared_charges(video)]
    with _unless_unreadable(path), _looking(path) as db:
        return db.execute("SELECT endpoint, source, charge FROM charges").fetchall()
    return []


def in_use(path: Path, now: Callable[[], Seconds] = time.time) -> bool:
    """Return whether a process is at work with the journal at `path`, as far as can be known."""
    with _unless_unreadable(path), _looking(path) as db:
        rows = db.execute("SELECT name, alive_until FROM owners").fetchall()
        return any(until > now() and not surely_gone(name) for name, until in rows)
    return False


def _found(path: Path, query: str, keys: Sequence[str]) -> set[str]:
    with _unless_unreadable(path), _looking(path) as db:
        return {key for rows in in_chunks(db, query, keys) for (key,) in rows}
    return set()


@contextmanager
def _unless_unreadable(path: Path) -> Iterator[None]:
    """Continue if there is no readable journal; the run itself will report that."""
    try:
        yield
    except sqlite3.Error as error:
        log.debug("%s is not read: %s", path, error, exc_info=error)


@contextmanager
def _looking(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the journal for reading. Raises `sqlite3.Error` if that fails."""
    if not is_there(path):
        raise sqlite3.OperationalError("no such file")
    # Next to a journal that is in use, or whose run was killed, is a WAL file with the last writes. Without one the
    # file is complete, and `immutable` keeps SQLite from creating other files next to it.
    how = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True)) as db:
        yield db
