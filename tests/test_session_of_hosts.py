"""Sessions on several hosts, with a journal in a folder that they share."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from framefleet import CancelScope, Session
from framefleet.analysis import unanswered_plans
from framefleet.config.loading import load_options
from framefleet.errors import (
    CancelledError,
    RefusedError,
)
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.journal.shared import SharedFolder
from framefleet.progress import Event, ItemDone, Notice
from tests.emulated_place import Place, numbers


def test_a_host_that_dies_with_its_disk_loses_nothing_that_was_answered(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies while requests are at work: the next one, elsewhere, collects their jobs and asks only what is left."""
    video, scope, answered = place.video(frames=60), CancelScope(), threading.Event()
    asked: Any = {"batch_size": 2, "max_workers": 2, "journal": tmp_path / "shared"}

    def hold(event: Event) -> None:
        if isinstance(event, ItemDone):
            place.go.clear()
            answered.set()

    def die() -> None:
        assert answered.wait(30)
        while place.jobs() < 2:
            pass
        scope.cancel(drain_s=0)

    with monkeypatch.context() as patch:
        patch.setattr(RunPodBackend, "cancel", lambda *_: (_ for _ in ()).throw(RefusedError("not heard")))
        dying = threading.Thread(target=die)
        dying.start()
        with Session(fleet=place.fleet) as host, pytest.raises(CancelledError):
            host.analyze(video, on_event=hold, cancel=scope, output_dir=tmp_path / "lost", **asked)
        dying.join()
    rmtree(tmp_path / "lost")
    place.go.set()
    with Session(fleet=place.fleet) as host:
        planned = host.prepare(video, load_options({**asked, "output_dir": tmp_path / "new"}))
        assert 0 < sum(plan.units for plan in unanswered_plans(planned)) < 12
        document = host.analyze(video, output_dir=tmp_path / "new", **asked)
    assert (len(numbers(document)), document.failures) == (12, [])
    assert place.executions() == 12
    assert not list((tmp_path / "new").glob("*.sqlite3"))
    (kept,) = SharedFolder(tmp_path / "shared" / document.video.sha256, "").answers()
    assert len({job for _, job, *_ in kept.charges}) == 6  # of both hosts


@pytest.mark.full
def test_two_sessions_on_one_shared_journal_take_turns_on_a_video(place: Place, tmp_path: Path) -> None:
    video = place.video()
    asked: Any = {"journal": tmp_path / "shared", "batch_size": 2}
    waits = threading.Event()
    place.go.clear()

    def second(event: Event) -> None:
        if isinstance(event, Notice) and "waiting for another process" in event.text:
            waits.set()

    with Session(fleet=place.fleet) as one, Session(fleet=place.fleet) as other, ThreadPoolExecutor(2) as pool:
        first = pool.submit(one.analyze, video, output_dir=tmp_path / "a", **asked)
        assert place.at_work.acquire(timeout=30)
        then = pool.submit(other.analyze, video, output_dir=tmp_path / "b", on_event=second, **asked)
        assert waits.wait(30)
        place.go.set()
        assert [len(numbers(each.result(60))) for each in (first, then)] == [6, 6]
    assert place.executions() == 6
