"""One suite for everything that analyzes several videos at the same time."""

import os
import pickle
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from framefleet import Document, Session
from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Secret
from framefleet.config.loading import load_options
from framefleet.config.options import Options
from framefleet.errors import AuthError, BudgetError, CancelledError, FrameFleetError, InputError
from framefleet.executors.base import Executor, Pending, Task, VideoOutcome, all_outcomes
from framefleet.executors.remote import OpenedWorker
from framefleet.executors.slots import Slot, Slots
from framefleet.executors.threads import Threads
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.journal.file import FILE_NAME
from framefleet.progress import Event, StageDone, StageStarted, silent
from framefleet.session import SessionWork
from tests.conftest import API_KEY, full
from tests.emulated_place import Place, numbers

Make = Callable[[int], Executor]


def ray(at_once: int) -> Executor:
    pytest.importorskip("ray")
    from framefleet.executors.ray import Ray

    return Ray(at_once)


OF_PROCESSES = {"slots": Slots, "ray": ray}
EXECUTORS = {"threads": Threads, **OF_PROCESSES}


@pytest.fixture(params=["threads", *full("slots", "ray")])
def make(request: pytest.FixtureRequest) -> Make:
    return EXECUTORS[request.param]


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return load_options({"output_dir": tmp_path / "output", "batch_size": 2})


def test_each_video_has_an_outcome_and_a_bad_file_is_one(
    make: Make, place: Place, session: Session, options: Options, tmp_path: Path
) -> None:
    (broken := tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    videos = [place.video("a.mp4"), broken, place.video("b.mp4", frames=35), tmp_path / "gone.mp4"]
    heard = list[Event]()
    outcomes = {o.task.video: o for o in session.outcomes(videos, options, engine=make(2), on_event=heard.append)}
    assert set(outcomes) == set(videos)
    found = [outcomes[video].result for video in videos]
    assert [len(numbers(one)) if isinstance(one, Document) else type(one) for one in found] == [
        6,
        InputError,
        7,
        InputError,
    ]
    rows = [outcomes[video].row for video in videos]
    assert [row.status for row in rows] == ["done", "failed", "done", "failed"]
    assert rows[0].document == str(tmp_path / "output" / "a_results.json")
    assert "no such file" in (rows[3].error or "")
    ended = [event.video for event in heard if isinstance(event, StageDone)]
    assert sorted(map(str, ended)) == sorted([str(videos[0]), str(videos[2])])


def test_what_is_answered_is_not_asked_again(make: Make, place: Place, session: Session, options: Options) -> None:
    videos = [place.video(f"{name}.mp4", frames=30 + 5 * n) for n, name in enumerate("abc")]
    for _ in range(2):
        assert [one.error for one in session.outcomes(videos, options, engine=make(2))] == [None] * 3
        assert place.executions() == 6 + 7 + 8


def test_cancelling_ends_all_soon_and_begins_nothing(
    make: Make, place: Place, session: Session, options: Options
) -> None:
    """Two are at work when it comes, and the service has requests of theirs."""
    videos, scope = [place.video(f"{name}.mp4", frames=30 + 5 * n) for n, name in enumerate("abcd")], CancelScope()
    begun, both = set[Path | None](), threading.Event()
    place.go.clear()

    def heard(event: Event) -> None:
        if isinstance(event, StageStarted):
            begun.add(event.video)
            if len(begun) == 2:
                both.set()

    def cancel() -> None:
        assert both.wait(200) and place.at_work.acquire(timeout=200)
        scope.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    outcomes = list(session.outcomes(videos, options, engine=make(2), on_event=heard, cancel=scope))
    canceller.join()
    assert sorted(one.task.video for one in outcomes) == videos
    assert all(one.cancelled for one in outcomes)
    assert sum("not started" in str(one.error) for one in outcomes) == 2
    assert place.jobs() == 0
    place.go.set()
    assert [one.error for one in session.outcomes(videos, options, engine=make(2))] == [None] * 4


def test_nothing_more_is_begun_after_an_error_that_ends_all(
    make: Make, place: Place, options: Options, tmp_path: Path
) -> None:
    with Session(fleet=replace(place.fleet, api_key=Secret("wrong"))) as session:
        videos = [place.video(f"{name}.mp4", frames=30 + 5 * n) for n, name in enumerate("abc")]
        outcomes = list(session.outcomes(videos, options, engine=make(1)))
    assert isinstance(outcomes[0].error, AuthError)
    assert [str(one.error).startswith("not started: ") for one in outcomes] == [False, True, True]
    assert {one.exit_code for one in outcomes} == {1}
    assert place.executions() == 0


def test_closing_the_iterator_ends_the_others(make: Make, place: Place, session: Session, options: Options) -> None:
    videos = [place.video(f"{name}.mp4", frames=30 + 5 * n) for n, name in enumerate("abc")]
    outcomes = session.outcomes(videos, options, engine=make(1))
    assert next(outcomes).error is None
    outcomes.close()
    assert place.jobs() == 0


@pytest.mark.full
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed so")
@pytest.mark.parametrize("name", OF_PROCESSES)
@pytest.mark.parametrize("kills", [1, 2])
def test_a_process_that_is_killed_is_tried_once_more(
    name: str, kills: int, place: Place, session: Session, options: Options, tmp_path: Path
) -> None:
    """While a request is at work. The other videos do not notice, and nothing is asked twice."""
    videos = [place.video(f"{one}.mp4", frames=30 + 5 * n) for n, one in enumerate("abc")]
    killer = threading.Thread(target=lambda: kill(place, tmp_path / "output" / FILE_NAME, kills))

    def heard(event: Event) -> None:
        if isinstance(event, StageDone) and event.video == videos[0]:
            place.go.clear()
            while place.at_work.acquire(blocking=False):
                pass  # what the first video asked
            killer.start()

    one_at_a_time = replace(options, max_workers=1)
    executor = OF_PROCESSES[name](1)
    outcomes = {one.task.video: one for one in session.outcomes(videos, one_at_a_time, engine=executor, on_event=heard)}
    killer.join()
    assert [outcomes[video].error is None for video in (videos[0], videos[2])] == [True, True]
    if kills == 1:
        assert outcomes[videos[1]].error is None
    else:
        error = outcomes[videos[1]].error
        assert error is not None and error.code == "process_died"
        assert [one.error for one in session.outcomes(videos, options)] == [None] * 3
    assert place.executions() == 6 + 7 + 8


def kill(place: Place, journal: Path, times: int) -> None:
    """Kill the process that works on the second video, and the one that comes instead; then let requests end."""
    killed = {os.getpid()}
    assert place.at_work.acquire(timeout=200)
    while times:
        with closing(sqlite3.connect(journal)) as db:
            owners = [name for (name,) in db.execute("SELECT owner FROM submissions WHERE job_id IS NOT NULL")]
        for pid in {int(owner.split(":")[1]) for owner in owners} - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
            times -= 1
    place.go.set()


# What every executor stands on


def task(name: str) -> Task:
    return Task(Path(name), Options(), name)


def test_tasks_are_given_out_once_until_the_scope_is_cancelled() -> None:
    scope = CancelScope()
    pending = Pending([task(name) for name in "abc"], scope)
    assert [one.name for one in (pending.take(), pending.take()) if one] == ["a", "b"]
    scope.cancel()
    assert pending.take() is None
    (left,) = pending.never_begun()
    assert left.task.name == "c" and left.cancelled


def test_an_error_of_one_video_is_not_the_others() -> None:
    pending = Pending([task(name) for name in "ab"], CancelScope())
    pending.ended(VideoOutcome(task("x"), error=InputError("x: damaged")))
    assert pending.take() is not None
    pending.ended(VideoOutcome(task("x"), error=AuthError("wrong key")))
    assert pending.take() is None


def test_an_executor_that_gives_up_leaves_no_video_without_an_outcome() -> None:
    class Idle(Executor):
        def run(self, *_: Any) -> Any:
            yield from ()

    tasks = [task(name) for name in "ab"]
    outcomes = list(all_outcomes(tasks, Idle(), None, silent, CancelScope()))  # type: ignore[arg-type]
    assert [one.task for one in outcomes] == tasks
    assert all(isinstance(one.error, FrameFleetError) and not isinstance(one.error, CancelledError) for one in outcomes)


class Talking:
    """A process that reports events without end until it is cancelled."""

    def __init__(self) -> None:
        self.exitcode = 0
        self.cancelled = threading.Event()

    def poll(self, timeout: float) -> bool:
        return True

    def recv(self) -> Any:
        return VideoOutcome(task("a"), 1.0) if self.cancelled.is_set() else StageDone("objects")

    def send(self, said: Any) -> None:
        if isinstance(said, tuple):
            self.cancelled.set()


def test_a_process_that_never_stops_talking_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    heard, scope, process = list[Event](), CancelScope(), Talking()

    def listener(event: Event) -> None:
        heard.append(event)
        if len(heard) == 3:
            scope.cancel()
        assert len(heard) < 100

    monkeypatch.setattr(Slot, "_started", lambda _: process)
    assert Slot(None).ask(task("a"), listener, scope).error is None  # type: ignore[arg-type]


def test_a_worker_that_cannot_be_opened_is_the_outcome_of_its_video() -> None:
    """Whatever the reason is: the process that waits for an outcome must get one."""

    def fault() -> Any:
        raise TypeError("no such thing")

    outcome = OpenedWorker(fault)(task("a"), silent, CancelScope())
    assert outcome.error is not None and (outcome.error.code, "no such thing" in str(outcome.error)) == ("fault", True)


def test_a_fault_in_lending_money_is_the_outcome_of_its_video(
    place: Place, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Session(max_cost=1, fleet=place.fleet) as session:
        monkeypatch.setattr(Session, "prepare", lambda *_, **__: 1 / 0)
        outcome = SessionWork(session).lent(task("a"), 2, CancelScope(), VideoOutcome)
    assert outcome.error is not None and outcome.error.code == "fault"


@pytest.mark.full
def test_processes_share_the_budget_of_the_session(place: Place, options: Options) -> None:
    """Each alone is within it: a second one costs a dollar, and five seconds of idling do too."""
    videos = [place.video(f"{name}.mp4", frames=30 + 5 * n) for n, name in enumerate("ab")]
    with Session(max_cost=8, fleet=place.fleet) as session:
        outcomes = list(session.outcomes(videos, replace(options, price=1.0, batch_size=16), engine=Slots(2)))
        errors = [one.error for one in outcomes if one.error is not None]
        assert [type(error) for error in errors] == [BudgetError]
        assert session._resources.budget.expected() == sum(one.usd for one in outcomes) >= 5
        assert all(one.task.options.max_cost is None for one in outcomes)  # what was lent is not a video's option


def test_a_worker_in_another_process_has_its_share_of_all_limits(session: Session) -> None:
    opened = pickle.loads(pickle.dumps(SessionWork(session).elsewhere(4)))
    assert opened.fleet.share == 4
    assert opened.fleet.api_key.reveal() == API_KEY
    backend = RunPodBackend(opened.fleet)
    try:
        alone = RunPodBackend(replace(opened.fleet, share=1))
        assert backend._runs["yolo"]._interval == 4 * alone._runs["yolo"]._interval
        alone.close()
    finally:
        backend.close()
