"""Looking into a journal finds what is kept, and leaves everything as it was."""

import shutil
from pathlib import Path

import pytest

from framefleet.journal.look import answered
from framefleet.journal.store import Journal

KEYS = ["k1", "k2", "k3"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder?" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Journal:
    path.parent.mkdir()
    journal = Journal(path)
    journal.keep({"k1": b"a", "k3": b"b", "other": b"c"})
    return journal


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_where_there_is_no_journal_none_is_made(path: Path) -> None:
    assert answered(path, KEYS) == set()
    assert not path.parent.exists()


def test_what_a_finished_run_kept_is_found_and_nothing_changed(path: Path, journal: Journal) -> None:
    journal.close()
    before = files(path.parent)
    assert answered(path, KEYS) == {"k1", "k3"}
    assert files(path.parent) == before


def test_what_a_run_at_work_has_kept_is_found_even_while_it_writes(path: Path, journal: Journal) -> None:
    with journal._transaction():
        assert answered(path, KEYS) == {"k1", "k3"}
    journal.close()


def test_what_a_killed_run_kept_is_found(path: Path, journal: Journal, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    shutil.copytree(path.parent, killed)  # as it lies there without anybody having closed it
    journal.close()
    assert answered(killed / path.name, KEYS) == {"k1", "k3"}


def test_more_keys_than_sqlite_takes_at_once(path: Path, journal: Journal) -> None:
    keys = {f"key {n}": b"x" for n in range(3_000)}
    journal.keep(keys)
    assert answered(path, list(keys)) == keys.keys()
    journal.close()


def test_what_is_no_journal_has_no_answers(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 100)
    assert answered(path, KEYS) == set()
