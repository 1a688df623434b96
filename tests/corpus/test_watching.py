"""Templates while results come, without a clock, and with a journal that says whether a run is at work."""

from collections.abc import Callable
from pathlib import Path

import pytest

from framefleet.corpus.result import Templates
from framefleet.journal.file import FILE_NAME
from framefleet.journal.look import in_use
from framefleet.journal.store import Journal
from framefleet.outputs.templates.watching import PATIENCE_S, Folder, run_in, watch
from tests.corpus.make import KINDS, made
from tests.library.make import put


class Time:
    """A clock that only moves in `sleep`, at which something happens each time."""

    def __init__(self, *happens: Callable[[], object]) -> None:
        self.now, self.happens = 0.0, list(happens)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.happens:
            self.happens.pop(0)()


class Shown:
    def __init__(self) -> None:
        self.all: list[tuple[Templates, list[str]]] = []

    def __call__(self, found: Templates, come: list[str]) -> None:
        self.all.append((found, come))


def test_results_show_as_they_come_until_the_run_ends(tmp_path: Path) -> None:
    working = [True]
    steps = [lambda n=n, kind=kind: put(tmp_path, made(kind, n)) for n in range(4) for kind in KINDS]
    time, shown = Time(*steps, working.clear), Shown()
    watch(Folder(tmp_path), shown, at_work=lambda _: bool(working), clock=time.clock, sleep=time.sleep)
    *during, (last, come) = shown.all
    assert [len(paths) for _, paths in during] == [1] * 16
    assert come == []
    assert len(last.clusters) == 4
    assert time.now < 30


def test_a_file_that_is_no_result_is_reported_once_and_read_when_it_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Folder(tmp_path)
    broken = tmp_path / "clip_results.json"
    broken.write_text("{")
    assert [folder.look() for _ in range(3)] == [[], [], []]
    assert sum("is left out" in record.getMessage() for record in caplog.records) == 1
    whole = put(tmp_path, made("talk", 1))
    whole.rename(broken)
    assert folder.look() == [str(broken)]


@pytest.mark.full
def test_ids_stay_while_results_come(tmp_path: Path) -> None:
    folder, shown = Folder(tmp_path), Shown()
    steps = [lambda n=n, kind=kind: put(tmp_path, made(kind, n)) for n in range(8) for kind in KINDS]
    time = Time(*steps)
    watch(folder, shown, at_work=lambda _: bool(time.happens), clock=time.clock, sleep=time.sleep)
    named: dict[str, set[str]] = {kind: set() for kind in KINDS}
    for found, _ in shown.all[23:]:
        for cluster in found.clusters:
            (kind,) = {Path(member).name[:-15] for member in cluster.members}
            named[kind].add(cluster.id)
    assert all(len(ids) == 1 for ids in named.values()), named


def test_ctrl_c_ends_it_with_all_that_came(tmp_path: Path) -> None:
    def interrupt() -> None:
        put(tmp_path, made("talk", 1))
        raise KeyboardInterrupt

    put(tmp_path, made("talk", 0))
    time, shown = Time(interrupt), Shown()
    watch(Folder(tmp_path), shown, at_work=lambda _: True, clock=time.clock, sleep=time.sleep)
    assert len(shown.all[-1][0].videos) == 2


def test_without_a_run_it_waits_for_one_for_a_while(tmp_path: Path) -> None:
    time, shown = Time(), Shown()
    watch(Folder(tmp_path), shown, at_work=lambda _: False, clock=time.clock, sleep=time.sleep)
    assert time.now == pytest.approx(PATIENCE_S)
    assert shown.all == []


def test_a_result_that_changes_is_read_again_and_a_broken_one_left_out(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    path = put(tmp_path, made("talk", 0))
    (tmp_path / "broken_results.json").write_text("{")
    assert folder.look() == [str(path)]
    assert folder.look() == []
    put(tmp_path, made("talk", 0, seed=5))
    assert folder.look() == [str(path)]


def test_a_run_is_at_work_while_its_journal_is_open(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    assert not run_in(tmp_path)
    journal = Journal(path)
    assert run_in(tmp_path)
    assert not in_use(path, now=lambda: 1e12)  # its lease has ended
    journal.close()
    assert not run_in(tmp_path)
