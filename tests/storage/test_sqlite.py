"""SQLite files that are not what they should be, and what a list reads of one that is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from framefleet.errors import OutputError
from framefleet.journal.store import Journal
from framefleet.storage.database import database_errors
from framefleet.storage.sqlite import SqliteResults
from tests.contracts.places import CAT, about


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.sqlite3"


def changed(path: Path, *statements: str) -> bytes:
    with closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
    return path.read_bytes()


def test_a_file_of_another_version_is_left_as_it_is(path: Path) -> None:
    SqliteResults(path).close()
    before = changed(path, "PRAGMA user_version = 2")
    with pytest.raises(OutputError, match="made by another version of FrameFleet"):
        SqliteResults(path)
    assert path.read_bytes() == before


def test_another_programs_file_is_left_as_it_is(path: Path) -> None:
    before = changed(path, "CREATE TABLE theirs (a)", "PRAGMA user_version = 1")
    with pytest.raises(OutputError, match="made by another program"):
        SqliteResults(path)
    assert path.read_bytes() == before


def test_a_journal_is_no_store_and_a_store_no_journal(path: Path, tmp_path: Path) -> None:
    Journal(tmp_path / "journal.sqlite3").close()
    with pytest.raises(OutputError, match="made by another program"):
        SqliteResults(tmp_path / "journal.sqlite3")
    SqliteResults(path).close()
    with pytest.raises(OutputError, match="made by another program"):
        Journal(path)


def test_what_is_no_database(path: Path, tmp_path: Path) -> None:
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 100)
    with pytest.raises(OutputError, match=r"the store cannot be used \(file is not a database\); move it away"):
        SqliteResults(path)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"file: cannot be written"):
        SqliteResults(tmp_path / "file" / "results.sqlite3")


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        ("database or disk is full", "free some space"),
        ("attempt to write a readonly database", "make the folder writable"),
        ("unable to open database file", "make the folder writable"),
        ("database disk image is malformed", "move it away"),
        ("database is locked", "run the same command again"),
    ],
)
def test_each_error_has_its_remedy(path: Path, error: str, remedy: str) -> None:
    told = f"{path.name}: the store cannot be used .{error}.; {remedy}"
    with pytest.raises(OutputError, match=told), database_errors(path, "the store"):
        raise sqlite3.OperationalError(error)


def test_a_closed_store_says_so(path: Path) -> None:
    store = SqliteResults(path)
    store.close()
    with pytest.raises(OutputError, match="closed"):
        store.list()


def test_documents_are_kept_small_and_lists_read_none(path: Path) -> None:
    store = SqliteResults(path)
    store.put("clip", about(CAT, "x" * 1_000_000))
    changed(path, "UPDATE results SET document = x'00'")  # as if it could not be read
    (result,) = store.list().results
    assert result.bytes > 1_000_000
    store.close()
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize("chosen", ["1", "sha256 = ?1", "path = ?1"])
def test_a_list_is_in_the_order_of_an_index(path: Path, chosen: str) -> None:
    SqliteResults(path).close()
    query = f"EXPLAIN QUERY PLAN SELECT name FROM results WHERE {chosen} ORDER BY written_at DESC, name LIMIT 10"
    with closing(sqlite3.connect(path)) as db:
        steps = " ".join(row[-1] for row in db.execute(query, [b""] * ("?" in chosen)))
    assert "INDEX results_by_" in steps
    assert "TEMP B-TREE" not in steps
