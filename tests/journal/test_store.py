"""The journal as several processes see it; a process is an owner here, its clock the test's."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from framefleet.errors import OutputError
from framefleet.journal.owner import BEAT_S, LEASE_S, new_owner, surely_gone
from framefleet.journal.store import Journal

ELSEWHERE = "another-host:1:aa"
FACTS = {"k1": b"1", "k2": b"2", "k3": b"3"}


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@contextmanager
def opened(folder: Path, clock: Clock, owner: str | None = None) -> Iterator[Journal]:
    journal = Journal(folder / "journal.sqlite3", owner=owner, clock=clock)
    try:
        yield journal
    finally:
        journal.close()


def killed(folder: Path, clock: Clock, owner: str = ELSEWHERE) -> Journal:
    """A journal whose process will end without closing it, its heart stopped already."""
    journal = Journal(folder / "journal.sqlite3", owner=owner, clock=clock)
    journal._closed.set()
    return journal


def pass_time(clock: Clock, seconds: float, *at_work: Journal) -> None:
    until = clock.now + seconds
    while clock.now < until:
        clock.now += BEAT_S
        for journal in at_work:
            journal.beat()


def test_an_answer_is_found_again_by_another_process(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as first:
        first.keep({"k1": b"answer"})
    with opened(tmp_path, clock) as second:
        assert second.answers(["k1", "k2"]) == {"k1": b"answer"}


def test_the_first_answer_wins(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as journal:
        journal.keep({"k1": b"first"})
        journal.keep({"k1": b"second", "k2": b"other"})
        assert journal.answers(["k1", "k2"]) == {"k1": b"first", "k2": b"other"}


def test_more_keys_than_sqlite_takes_at_once(tmp_path: Path, clock: Clock) -> None:
    keys = {f"key {n}": b"x" for n in range(3_000)}
    with opened(tmp_path, clock) as journal:
        journal.keep(keys)
        assert journal.answers(list(keys)) == keys


def test_a_claim_tells_what_is_free_answered_and_held(tmp_path: Path, clock: Clock) -> None:
    other = killed(tmp_path, clock)
    other.keep({"k1": b"answer"})
    other.claim("yolo x", {"k2": b"2"})
    with opened(tmp_path, clock) as mine:
        claim = mine.claim("yolo x", FACTS)
    assert (claim.granted, claim.answered, claim.held) == ({"k3"}, {"k1": b"answer"}, {"k2"})


def test_a_held_key_comes_free_when_it_is_released_or_its_lease_ends(tmp_path: Path, clock: Clock) -> None:
    other = killed(tmp_path, clock)
    held = other.claim("yolo x", {"k1": b"1"})
    other.claim("yolo x", {"k2": b"2"})
    with opened(tmp_path, clock) as mine:
        assert mine.claim("yolo x", FACTS).held == {"k1", "k2"}
        other.release(held.id)
        assert mine.claim("yolo x", {"k1": b"1"}).granted == {"k1"}
        pass_time(clock, LEASE_S + 1, mine)
        assert mine.claim("yolo x", {"k2": b"2"}).granted == {"k2"}


def test_a_process_that_beats_keeps_its_lease(tmp_path: Path, clock: Clock) -> None:
    other = killed(tmp_path, clock)
    other.claim("yolo x", {"k1": b"1"})
    clock.now += LEASE_S - 1
    other.beat()
    clock.now += LEASE_S - 1
    with opened(tmp_path, clock) as mine:
        assert mine.claim("yolo x", {"k1": b"1"}).held == {"k1"}


def test_what_a_dead_process_submitted_is_adopted_with_its_job(tmp_path: Path, clock: Clock) -> None:
    other = killed(tmp_path, clock)
    claim = other.claim("yolo x", {"k1": b"1", "k2": b"2"})
    other.sent(claim.id, "job-7")
    other.claim("yolo x", {"k3": b"3"})  # killed before the service accepted it
    with opened(tmp_path, clock) as mine:
        assert mine.adopt("yolo x", list(FACTS)) == []  # still at work
        pass_time(clock, LEASE_S + 1, mine)
        assert mine.adopt("whisper y", list(FACTS)) == []
        (orphan,) = mine.adopt("yolo x", ["k2", "k3"])
        assert (orphan.job_id, orphan.facts) == ("job-7", {"k1": b"1", "k2": b"2"})
        assert mine.adopt("yolo x", list(FACTS)) == []  # taken once


def test_a_submission_whose_keys_are_all_answered_is_not_asked_after(tmp_path: Path, clock: Clock) -> None:
    other = killed(tmp_path, clock)
    other.sent(other.claim("yolo x", {"k1": b"1", "k2": b"2"}).id, "job-7")
    other.keep({"k1": b"a", "k2": b"b"})  # killed before it let go of its claim
    clock.now += LEASE_S + 1
    with opened(tmp_path, clock) as mine:
        assert mine.adopt("yolo x", list(FACTS)) == []


def test_a_job_is_handed_over_and_not_asked_anew_whenever_its_process_goes(tmp_path: Path, clock: Clock) -> None:
    other = killed(tmp_path, clock)
    other.sent(other.claim("yolo x", {"k1": b"1", "k2": b"2"}).id, "job-7")
    with opened(tmp_path, clock) as mine, opened(tmp_path, clock) as third:
        assert mine.claim("yolo x", {"k1": b"1"}).orphans == ()
        pass_time(clock, LEASE_S + 1, mine, third)
        claim = mine.claim("yolo x", {"k1": b"1", "k3": b"3"})
        assert [(orphan.job_id, orphan.facts) for orphan in claim.orphans] == [("job-7", {"k1": b"1", "k2": b"2"})]
        assert (claim.granted, claim.held) == (set(), {"k1"})
        assert mine.claim("yolo x", {"k2": b"2"}).held == {"k2"}  # of another thread here: it is being asked after
        assert third.claim("yolo x", {"k2": b"2"}).held == {"k2"}
        assert (third.held_elsewhere(["k1", "k2", "k3"]), mine.held_elsewhere(["k1", "k2", "k3"])) == (2, 0)
        mine.leave(claim.orphans[0].id)
        (left,) = third.claim("yolo x", {"k2": b"2"}).orphans
        third.release(left.id)
        assert mine.claim("yolo x", FACTS).granted == set(FACTS)


@pytest.mark.parametrize("looks", range(1, 6))
def test_a_job_is_handed_over_though_its_process_goes_in_the_middle_of_a_claim(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    other = killed(tmp_path, clock)
    for key, job_id in (("k1", "job-1"), ("k2", "job-2")):
        other.sent(other.claim("yolo x", {key: b""}).id, job_id)
    there = iter([False] * looks)  # so often it is looked for and found at work, and then it is not
    monkeypatch.setattr("framefleet.journal.owner.surely_gone", lambda _: next(there, True))
    facts, asked_after = {"k1": b"", "k2": b""}, list[str]()
    with opened(tmp_path, clock) as mine:
        while len(asked_after) < 2:
            claim = mine.claim("yolo x", facts)
            assert claim.granted == set()
            asked_after += [orphan.job_id for orphan in claim.orphans]
    assert sorted(asked_after) == ["job-1", "job-2"]


def test_a_process_that_slept_past_its_lease_is_not_heeded(tmp_path: Path, clock: Clock) -> None:
    """Another one has its pieces by then, and perhaps its claim's number."""
    slept = killed(tmp_path, clock)
    sending, sent, asking = (slept.claim("yolo x", {key: b""}).id for key in ("k1", "k2", "k3"))
    slept.sent(sent, "old job")
    clock.now += LEASE_S + 1
    with opened(tmp_path, clock) as mine, opened(tmp_path, clock) as third:
        (orphan,) = mine.adopt("yolo x", ["k1", "k2", "k3"])
        claim = mine.claim("yolo x", {"k1": b"", "k3": b""})
        assert claim.granted == {"k1", "k3"}
        assert claim.id not in {sending, sent, asking}
        mine.sent(claim.id, "new job")
        for number in (sending, sent, asking, claim.id):
            slept.sent(number, "its job")
            slept.leave(number)
            slept.release(number)
        assert orphan.job_id == "old job"
        assert third.claim("yolo x", {"k1": b"", "k2": b"", "k3": b""}).held == {"k1", "k2", "k3"}
        slept.keep({"k1": b"an answer"})
        assert mine.answers(["k1"]) == {"k1": b"an answer"}
    with opened(tmp_path, clock) as later:
        assert {each.job_id for each in later.adopt("yolo x", ["k2", "k3"])} == {"old job", "new job"}


def test_a_computer_that_slept_gives_nobody_s_work_to_another_when_it_wakes(tmp_path: Path, clock: Clock) -> None:
    """Whoever looks first: the one that has the work has had no time to say that it is there."""
    other = killed(tmp_path, clock)
    other.claim("yolo x", {"k1": b""})  # being ordered, so nobody could ask after it
    with opened(tmp_path, clock) as mine:
        clock.now += 8 * 3600
        assert mine.claim("yolo x", {"k1": b""}).granted == set()
        mine.beat()
        assert mine.claim("yolo x", {"k1": b""}).granted == set()
        other.beat()
        pass_time(clock, LEASE_S - BEAT_S, mine)
        assert mine.claim("yolo x", {"k1": b""}).granted == set()
        pass_time(clock, 2 * BEAT_S, mine)
        assert mine.claim("yolo x", {"k1": b""}).granted == {"k1"}


def test_what_was_never_accepted_is_granted_when_its_process_is_gone(tmp_path: Path, clock: Clock) -> None:
    killed(tmp_path, clock).claim("yolo x", {"k1": b"1"})
    clock.now += LEASE_S + 1
    with opened(tmp_path, clock) as mine:
        assert mine.claim("yolo x", {"k1": b"1"}).granted == {"k1"}


def test_what_a_job_was_charged_is_kept_with_its_answer_and_once(tmp_path: Path, clock: Clock) -> None:
    at = {"source": "a video", "stage": "objects"}
    with opened(tmp_path, clock) as first, opened(tmp_path, clock) as second:
        first.charge("yolo x", "job 1", **at, charge=b"1")
        assert second.charges("yolo x", **at) == []
        first.keep({"k1": b"answer"})
        assert second.charges("yolo x", **at) == [("job 1", b"1")]
        assert first.charges("yolo x", **at) == [("job 1", b"1")]  # of whichever of its runs
        second.charge("yolo x", "job 1", **at, charge=b"again")
        second.charge("yolo x", "job 2", **at, charge=b"2")
    with opened(tmp_path, clock) as third:
        assert sorted(third.charges("yolo x", **at)) == [("job 1", b"1"), ("job 2", b"2")]
        for other in ({"source": "b", "stage": "objects"}, {"source": "a video", "stage": "speech"}):
            assert third.charges("yolo x", **other) == []
        assert third.charges("yolo y", **at) == []


def test_forgetting_drops_answers_and_orphans_of_these_keys_alone(tmp_path: Path, clock: Clock) -> None:
    other = killed(tmp_path, clock)
    other.keep({"k1": b"a", "k2": b"b"})
    other.sent(other.claim("yolo x", {"k3": b"3"}).id, "job")
    clock.now += LEASE_S + 1
    with opened(tmp_path, clock) as mine:
        mine.forget(["k1", "k3"])
        assert mine.answers(["k1", "k2"]) == {"k2": b"b"}
        assert mine.adopt("yolo x", ["k3"]) == []


@pytest.mark.full
def test_what_was_replaced_or_deleted_before_is_overwritten_too(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def as_built_elsewhere(*arguments: Any, **options: Any) -> sqlite3.Connection:
        db = connect(*arguments, **options)
        db.execute("PRAGMA secure_delete = OFF")  # the default of other builds of SQLite
        return db

    monkeypatch.setattr(sqlite3, "connect", as_built_elsewhere)
    answer, voices = os.urandom(20_000), os.urandom(20_000)
    with opened(tmp_path, clock) as journal:
        journal.keep({"speakers/k1": answer})
        journal.remember("video", "speakers", voices)
        journal.forget(["speakers/k1"])
        journal.remember("video", "speakers", b"")
        journal.forget_private("speakers")
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(part[at : at + 100] in content for part in (answer, voices) for at in range(0, 20_000, 500))


def test_forgetting_says_so_if_a_reader_keeps_what_was_removed_in_the_file(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framefleet.storage.database._BUSY_MS", 1)
    with opened(tmp_path, clock) as journal:
        journal.keep({"speakers/k1": b"voices"})
        reader = sqlite3.connect(journal.path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM answers").fetchone()
        with pytest.raises(OutputError) as refused:
            journal.forget_private("speakers")
        assert refused.value.code == "journal_in_use"
        reader.close()
        assert journal.forget_private("speakers") == 0


def test_an_ended_process_of_this_host_is_known_to_be_gone() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    mine = new_owner()
    host = mine.partition(":")[0]
    assert surely_gone(f"{host}:{done.pid}:aa") == (sys.platform != "win32")
    assert not surely_gone(mine)
    assert not surely_gone(f"{host}:{os.getpid()}:bb")
    assert not surely_gone("another-host:1:cc")


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere containers are not told apart")
def test_a_process_of_another_container_with_this_ones_name_is_not_known_to_be_gone() -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    host, boot, namespace = new_owner().partition(":")[0].split("/")
    assert surely_gone(f"{host}/{boot}/{namespace}:{done.pid}:aa")
    assert not surely_gone(f"{host}/{boot}/{int(namespace) + 1}:{done.pid}:aa")
    assert not surely_gone(f"{host}/another-boot/{namespace}:{done.pid}:aa")


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells of zombies")
def test_a_process_that_ended_unnoticed_by_its_parent_is_gone() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
    assert ended.stdout is not None
    ended.stdout.read()  # its end closes the pipe
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # and it stays a zombie
    host = new_owner().partition(":")[0]
    try:
        assert surely_gone(f"{host}:{ended.pid}:aa")
    finally:
        ended.communicate()


def test_a_file_that_is_no_journal_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    path.write_bytes(b"not a database at all, but long enough to be looked at" * 100)
    with pytest.raises(OutputError, match="move it away"):
        Journal(path)


def test_a_full_disk_is_said_and_what_was_kept_stays(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as journal:
        journal.keep({"k1": b"answer"})
        pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then answers as on a full disk
        with pytest.raises(OutputError, match="free some space"):
            journal.keep({f"k{n}": b"x" * 1000 for n in range(100)})
        assert journal.answers(["k1"]) == {"k1": b"answer"}


def test_a_read_only_journal_is_said(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as journal:
        journal._db.execute("PRAGMA query_only = 1")  # what a read-only file system is to SQLite; root may write all
        with pytest.raises(OutputError, match="make the folder writable"):
            journal.keep({"k1": b"answer"})
        journal._db.execute("PRAGMA query_only = 0")


def test_two_connections_write_without_corruption(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as one, opened(tmp_path, clock) as two:
        for n in range(100):
            (one, two)[n % 2].keep({f"k{n}": b"x"})
        assert len(one.answers([f"k{n}" for n in range(100)])) == 100
    check = sqlite3.connect(tmp_path / "journal.sqlite3")
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


@pytest.mark.full
def test_many_processes_may_make_the_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    program = (
        f"from pathlib import Path; from framefleet.journal.store import Journal; Journal(Path({str(path)!r})).close()"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    made = [subprocess.Popen([sys.executable, "-c", program], env=environ) for _ in range(6)]
    assert [process.wait() for process in made] == [0] * 6


def test_a_journal_of_another_version_is_left_alone(tmp_path: Path, clock: Clock) -> None:
    with opened(tmp_path, clock) as journal:
        journal.keep({"k1": b"answer"})
    other = sqlite3.connect(tmp_path / "journal.sqlite3")
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(OutputError, match="another version"):
        Journal(tmp_path / "journal.sqlite3")
