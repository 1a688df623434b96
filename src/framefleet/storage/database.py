"""SQLite files that threads and processes share: opening them, and reporting their errors."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framefleet.errors import OutputError

_BUSY_MS = 30_000
_AGAIN_S = 0.05


def open_database(path: Path, schema: str, version: int, *, application: int = 0) -> sqlite3.Connection:
    """Return a connection to the file, which is created with its folder and the tables of `schema` if there is none.

    Retries while another process creates it, since SQLite does not wait for locks then. `application` distinguishes
    the files of different programs. Raises `OutputError` for a file of another version or application, and for a
    folder that cannot be made, and SQLite's errors.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be written ({error.strerror})", hint="give another folder") from None
    until = time.monotonic() + _BUSY_MS / 1000
    while True:
        db = sqlite3.connect(path, timeout=_BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        try:
            _check(db, path, version, application)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")  # a power cut must not undo what was saved
            db.execute("PRAGMA foreign_keys=ON")
            numbers = f"PRAGMA application_id = {application}; PRAGMA user_version = {version};"
            db.executescript(f"BEGIN IMMEDIATE; {schema} {numbers} COMMIT;")
            return db
        except sqlite3.DatabaseError as error:
            db.close()
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_AGAIN_S)
        except OutputError:
            db.close()
            raise


@contextmanager
def database_errors(path: Path, what: str) -> Iterator[None]:
    """Raise SQLite's errors as `OutputError`."""
    try:
        yield
    except sqlite3.Error as error:  # misuse has a class of its own next to DatabaseError
        raise OutputError(f"{path}: {what} cannot be used ({error})", hint=_remedy(error)) from None


def _check(db: sqlite3.Connection, path: Path, version: int, application: int) -> None:
    """Raise `OutputError` for a file of another program or version, before anything in it is changed."""
    queries = "SELECT count(*) FROM sqlite_master", "PRAGMA application_id", "PRAGMA user_version"
    tables, of, found = (db.execute(query).fetchone()[0] for query in queries)  # a file with tables has all of them set
    if tables and of != application:
        raise OutputError(f"{path}: made by another program", hint="give another file")
    if found not in {0, version}:
        raise OutputError(f"{path}: made by another version of FrameFleet", hint="move it away and run again")


def _remedy(error: sqlite3.Error) -> str:
    text = str(error)
    if "full" in text:
        return "free some space and run the same command again"
    if "readonly" in text or "unable to open" in text:
        return "make the folder writable, or give another output folder"
    if "not a database" in text or "malformed" in text:
        return "move it away and run again"
    return "run the same command again"
