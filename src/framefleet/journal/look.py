"""Looking into a journal without taking part: for a plan, which locks nothing and writes nothing into it."""

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from framefleet.journal.file import in_chunks
from framefleet.logs import logger

_VERSION = 1  # raised when the same key would no longer mean the same answer


def piece_key(source_sha256: str, endpoint: str, name: str, identity: Mapping[str, Any]) -> str:
    """A sha256 over all that decides an answer: the file, the piece's `name` in it, who is asked, and with what.

    It knows neither index nor batch, so that splitting, another fps and a resumed run find the same answer again.
    """
    parts = [_VERSION, source_sha256, endpoint, name, identity]
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def private_key(stage: str, key: str) -> str:
    """The key of an answer about a person: it names the stage, so that all of a stage can be found and removed."""
    return f"{stage}/{key}"


log = logger(__name__)


def is_there(path: Path) -> bool:
    """Whether there is a file to look into. One that cannot be got at is none: whoever runs will say so."""
    try:
        path.stat()
    except OSError:
        return False
    return True


def answered(path: Path, keys: Sequence[str]) -> set[str]:
    """Those of the keys that the journal at `path` has answers to; none where there is no journal to be read."""
    return _found(path, "SELECT key FROM answers WHERE key IN ({})", keys)


def paid_for(path: Path, keys: Sequence[str]) -> set[str]:
    """Those that it has answers to, or that were asked and are yet to be answered."""
    return answered(path, keys) | _found(path, "SELECT key FROM carried WHERE key IN ({})", keys)


def charged(path: Path) -> list[tuple[str, str, bytes]]:
    """Endpoint (kind and id), sha256 of the video and charge of all jobs that the journal at `path` has accounts of."""
    with _unless_unreadable(path), _looking(path) as db:
        return db.execute("SELECT endpoint, source, charge FROM charges").fetchall()
    return []


def _found(path: Path, query: str, keys: Sequence[str]) -> set[str]:
    with _unless_unreadable(path), _looking(path) as db:
        return {key for rows in in_chunks(db, query, keys) for (key,) in rows}
    return set()


@contextmanager
def _unless_unreadable(path: Path) -> Iterator[None]:
    """Goes on where there is no journal to be read: whoever runs will say so."""
    try:
        yield
    except sqlite3.Error as error:
        log.debug("%s is not read: %s", path, error, exc_info=error)


@contextmanager
def _looking(path: Path) -> Iterator[sqlite3.Connection]:
    """Raises `sqlite3.Error` where there is no journal to be read."""
    if not is_there(path):
        raise sqlite3.OperationalError("no such file")
    # beside a journal that is in use, or was when its run was killed, lies what was last written; without it the file
    # is all there is, and SQLite is kept from making anything beside it
    how = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True)) as db:
        yield db
