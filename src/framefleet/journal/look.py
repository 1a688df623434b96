"""Looking into a journal without taking part: for a plan, which locks nothing and writes nothing into it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from framefleet.journal.file import in_chunks


def answered(path: Path, keys: Sequence[str]) -> set[str]:
    """Those of the keys that the journal at `path` has answers to; none where there is no journal to be read."""
    return _found(path, "SELECT key FROM answers WHERE key IN ({})", keys)


def paid_for(path: Path, keys: Sequence[str]) -> set[str]:
    """Those that it has answers to, or that were asked and are yet to be answered."""
    return answered(path, keys) | _found(path, "SELECT key FROM carried WHERE key IN ({})", keys)


def _found(path: Path, query: str, keys: Sequence[str]) -> set[str]:
    if not path.exists():
        return set()
    # beside a journal that is in use, or was when its run was killed, lies what was last written; without it the file
    # is all there is, and SQLite is kept from making anything beside it
    how = "mode=ro" if Path(f"{path}-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True)) as db:
            return {key for rows in in_chunks(db, query, keys) for (key,) in rows}
    except sqlite3.Error:  # whoever runs will say so
        return set()
