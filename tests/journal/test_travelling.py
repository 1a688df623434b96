"""A journal that travels through a folder that hosts share: what a host that dies had, the next one has."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import CancelledError, OutputError
from framefleet.journal.look import answered, charged, last_asked, paid_for, recalled
from framefleet.journal.shared import LEASE_S, SharedAnswers, SharedFolder, shared_keys
from framefleet.journal.travelling import TravellingJournal

SHA = "5" * 64


@pytest.fixture
def opened() -> Iterator[list[TravellingJournal]]:
    there: list[TravellingJournal] = []
    yield there
    for journal in there:
        journal.close()


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    return tmp_path / "journals" / SHA


def nobody(holder: str) -> None:
    raise AssertionError(f"{holder} has it")


def open_in(shared: Path, **how: Any) -> TravellingJournal:
    return TravellingJournal(shared, SHA, nobody, **how)


def lose(journal: TravellingJournal) -> None:
    """The host dies with its disk: nothing is given back, and nothing on it is left."""
    journal._closed.set()
    journal._heart.join()
    journal._db.close()
    journal._place.cleanup()
    for lease in journal._folder.path.glob("lease-*"):
        lease.unlink()  # which expires


def test_what_was_answered_or_sent_outlives_the_host(shared: Path) -> None:
    one = open_in(shared)
    first = one.claim("yolo a", {"k1": b"1", "k2": b"2"})
    one.sent(first.id, "job-1")
    one.charge("yolo a", "job-1", source=SHA, stage="objects", charge=b"{}")
    one.keep({"k1": b"[1]", "k2": b"[2]"})
    one.release(first.id)
    second = one.claim("yolo a", {"k3": b"3"})
    one.sent(second.id, "job-2")
    one.claim("yolo a", {"k4": b"4"})  # and not sent
    one.remember(SHA, "speakers", b"voices")
    lose(one)

    other = open_in(shared)
    assert other.answers(["k1", "k2", "k3"]) == {"k1": b"[1]", "k2": b"[2]"}
    assert other.charges("yolo a", source=SHA, stage="objects") == [("job-1", b"{}")]
    assert other.recall(SHA, "speakers") == b"voices"
    (orphan,) = other.adopt("yolo a", ["k1", "k2", "k3", "k4"])
    assert (orphan.job_id, orphan.facts) == ("job-2", {"k3": b"3"})
    assert other.claim("yolo a", {"k4": b"4"}).granted == {"k4"}
    other.keep({"k3": b"[3]"})
    other.release(orphan.id)
    other.close()
    assert sorted(path.name.partition("-")[0] for path in shared.iterdir()) == ["answers", "kept", "lease"]
    third = open_in(shared)
    assert third.answers(["k3"]) == {"k3": b"[3]"}
    assert third.adopt("yolo a", ["k3"]) == []
    third.close()


def test_a_job_that_is_left_is_the_next_ones(shared: Path) -> None:
    one = open_in(shared)
    claim = one.claim("yolo a", {"k": b"1"})
    one.sent(claim.id, "job-1")
    one.leave(claim.id)
    one.close()
    other = open_in(shared)
    assert [orphan.job_id for orphan in other.adopt("yolo a", ["k"])] == ["job-1"]
    other.close()


def test_the_id_of_a_job_is_there_before_it_is_waited_for_and_an_answer_before_it_counts(
    shared: Path, opened: list[TravellingJournal], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_in(shared)
    opened.append(journal)
    claim = journal.claim("yolo a", {"k": b"1"})
    journal.sent(claim.id, "job-1")
    assert shared_keys(shared, jobs=True) == {"k"} and not shared_keys(shared, jobs=False)
    with monkeypatch.context() as patch:
        patch.setattr(SharedFolder, "put_answers", lambda *_: (_ for _ in ()).throw(OutputError("no space")))
        with pytest.raises(OutputError):
            journal.keep({"k": b"[1]"})
        assert journal.answers(["k"]) == {}
    journal.keep({"k": b"[1]"})
    assert shared_keys(shared, jobs=False) == {"k"}


def test_a_plan_reads_the_folder_and_writes_nothing(shared: Path) -> None:
    assert answered(shared, ["k"]) == set()
    assert recalled(shared, SHA, "scenes") is None
    journal = open_in(shared)
    claim = journal.claim("yolo a", {"k2": b"1"})
    journal.sent(claim.id, "job-1")
    journal.keep({"k": b"[1]"})
    journal.remember(SHA, "scenes", b"cuts")
    journal.close()
    before = sorted(shared.iterdir())
    assert answered(shared, ["k", "k2", "x"]) == {"k"}
    assert paid_for(shared, ["k", "k2", "x"]) == {"k", "k2"}
    assert recalled(shared, SHA, "scenes") == b"cuts"
    assert sorted(shared.iterdir()) == before


def test_what_is_forgotten_is_gone_for_all_hosts(shared: Path) -> None:
    journal = open_in(shared)
    journal.keep({"a": b"[1]", "b": b"[2]", "speakers/c": b"[3]"})
    journal.forget(["a"])
    assert journal.forget_private("speakers") == 1
    lose(journal)
    assert shared_keys(shared, jobs=True) == {"b"}


def test_a_private_stage_leaves_nothing_in_the_folder(shared: Path) -> None:
    journal = open_in(shared)
    journal.asked(SHA, "speakers", b'{"fps": 1}', ["speakers/c"])
    journal.keep({"speakers/c": b"[3]"})
    journal.remember(SHA, "speakers", b"voices")
    journal.remember(SHA, "scenes", b"cuts")
    assert journal.forget_private("speakers") == 1
    assert recalled(shared, SHA, "speakers") is None and recalled(shared, SHA, "scenes") == b"cuts"
    journal.close()
    assert not [one for one in shared.iterdir() if b"speakers" in one.read_bytes()]
    again = open_in(shared)
    assert again.recall(SHA, "speakers") is None
    again.close()


def test_a_job_about_what_is_forgotten_is_not_collected_later(shared: Path) -> None:
    journal = open_in(shared)
    claim = journal.claim("yolo a", {"k": b"1"})
    journal.sent(claim.id, "job-1")
    lose(journal)
    other = open_in(shared)
    other.forget(["k"])
    lose(other)
    third = open_in(shared)
    assert third.adopt("yolo a", ["k"]) == []
    third.close()


def test_another_host_knows_what_was_asked(shared: Path) -> None:
    one = open_in(shared)
    one.asked(SHA, "objects", b'{"conf": 0.2}', ["a"])
    one.asked(SHA, "objects", b'{"conf": 0.2}', ["b"])
    one.keep({"a": b"[1]", "b": b"[2]", "c": b"[3]"})
    lose(one)
    assert last_asked(shared, SHA, "objects") == {"conf": 0.2}
    assert last_asked(shared, SHA, "speech") is None
    other = open_in(shared)
    assert other.forget_stage("objects") == 2
    other.close()
    assert shared_keys(shared, jobs=False) == {"c"}
    assert last_asked(shared, SHA, "objects") is None


def test_usage_is_put_with_later_answers_if_the_folder_was_out_of_reach(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_in(shared)
    journal.charge("yolo a", "job-1", source=SHA, stage="objects", charge=b"{}")
    with monkeypatch.context() as patch:
        patch.setattr(SharedFolder, "put_answers", lambda *_: (_ for _ in ()).throw(OutputError("no space")))
        with pytest.raises(OutputError):
            journal.keep({"k": b"[1]"})
    journal.keep({"k": b"[1]"})
    lose(journal)
    assert charged(shared.parent) == [("yolo a", SHA, b"{}")]


def test_a_folder_out_of_reach_is_an_error_of_ours(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SharedFolder(shared, "a")
    assert folder.take() is None

    def away(*_: Any, **__: Any) -> Any:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "glob", away)
        for call in (folder.renew, folder.answers):
            with pytest.raises(OutputError, match="the shared journal cannot be used"):
                call()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", away)
        with pytest.raises(OutputError, match="the shared journal cannot be used"):
            folder.drop_job("yolo a", "job-1")


def test_who_stops_waiting_leaves_nothing_behind(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No heart that beats on, and no files."""
    assert SharedFolder(shared, "elsewhere:1:a").take() is None
    before, hearts = set(threading.enumerate()), []

    def stop(_: str) -> None:
        hearts.extend(thread for thread in set(threading.enumerate()) - before if thread.name == "journal-heart")
        raise CancelledError("cancelled")

    with pytest.raises(CancelledError):
        TravellingJournal(shared, SHA, stop)
    assert hearts and not any(thread.is_alive() for thread in hearts)


def test_a_file_that_is_damaged_costs_its_answers_alone(shared: Path) -> None:
    journal = open_in(shared)
    journal.keep({"a": b"[1]"})
    lose(journal)
    (shared / "answers-half.json").write_bytes(b'{"answers": {')
    again = open_in(shared)
    assert again.answers(["a"]) == {"a": b"[1]"}
    again.close()


# Who has it


def test_a_video_belongs_to_one_process_until_that_gives_it_back(shared: Path) -> None:
    one = open_in(shared)
    asked = []

    def wait(holder: str) -> None:
        asked.append(holder)
        one.close()

    other = TravellingJournal(shared, SHA, wait)
    assert asked == [one.owner]
    other.close()


def test_a_process_without_a_sign_of_life_loses_it(shared: Path) -> None:
    now = [1000.0]
    one = SharedFolder(shared, "elsewhere:1:a", clock=lambda: now[0])
    other = SharedFolder(shared, "elsewhere:2:b", clock=lambda: now[0])
    assert one.take() is None
    assert other.take() == "elsewhere:1:a"
    now[0] += LEASE_S - 1
    one.renew()
    now[0] += LEASE_S - 1
    assert other.take() == "elsewhere:1:a"
    now[0] += 2
    assert other.take() is None
    one.renew()  # it wakes, and does not take it back
    assert one.take() == "elsewhere:2:b"
    one.give_back()
    assert one.take() == "elsewhere:2:b"
    other.give_back()
    assert one.take() is None


def test_of_many_that_take_it_at_once_one_has_it(shared: Path) -> None:
    now, ready = [0.0], threading.Barrier(8)
    assert SharedFolder(shared, "elsewhere:0:x", clock=lambda: now[0]).take() is None
    now[0] = LEASE_S + 1
    got = []

    def take(number: int) -> None:
        folder = SharedFolder(shared, f"elsewhere:{number}:y", clock=lambda: now[0])
        ready.wait()
        if folder.take() is None:
            got.append(number)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.binary(max_size=4), max_size=4), max_size=6))
def test_merging_keeps_all_that_was_answered(batches: list[dict[str, bytes]]) -> None:
    import tempfile

    place = Path(tempfile.mkdtemp())
    try:
        folder = SharedFolder(place, "a")
        for batch in batches:
            folder.put_answers(SharedAnswers(batch, [("e", key, "objects", "o", b"u") for key in batch]))
        before = shared_keys(place, jobs=False)
        folder.merge()
        assert shared_keys(place, jobs=False) == before == {key for batch in batches for key in batch}
        assert len(list(place.iterdir())) <= 1
        charges = [charge for content in folder.answers() for charge in content.charges]
        assert sorted(charge[1] for charge in charges) == sorted(before)
    finally:
        shutil.rmtree(place)
