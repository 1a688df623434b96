"""A session: what its analyses share, how they are cancelled, and that it is as good as new after."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from shutil import rmtree
from types import SimpleNamespace
from typing import Any

import pytest

from framefleet import CancelScope, Session
from framefleet.analysis import unanswered_plans
from framefleet.config.endpoints import Fleet, Secret
from framefleet.config.loading import load_options
from framefleet.config.options import Options
from framefleet.emulator.make import make_endpoint
from framefleet.emulator.serve import Service
from framefleet.errors import (
    BudgetError,
    CancelledError,
    FrameFleetError,
    InputError,
    RefusedError,
    UsageError,
)
from framefleet.executors.base import Executor, Pending, VideoOutcome, Work
from framefleet.fleet.backends.inprocess import LocalBackend
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.journal.file import FILE_NAME
from framefleet.journal.shared import SharedFolder
from framefleet.journal.store import Journal
from framefleet.library import Library, library_in
from framefleet.progress import Event, ItemDone, Notice
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.speech.stage import SpeechStage
from tests.cli.conftest import hears_hello, sees_a_person
from tests.conftest import API_KEY
from tests.media.make import make_video


class Place:
    """An emulated service with a yolo endpoint whose workers a test can hold, and a folder of videos."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.folder = folder
        self.go = threading.Event()
        self.go.set()
        self.at_work = threading.Semaphore(0)
        self.endpoint = make_endpoint(self._works, workers)
        self.service = Service({"yolo-id": self.endpoint}, API_KEY)
        self.service.start()
        self.fleet = Fleet(endpoints={"yolo": "yolo-id"}, api_key=Secret(API_KEY), base_url=self.service.base_url)

    def _works(self, job: dict[str, Any]) -> dict[str, Any]:
        self.at_work.release()
        self.go.wait(60)
        return sees_a_person(job)

    def video(self, name: str = "clip.mp4", frames: int = 30) -> Path:
        """Six pictures at one a second, unless there are to be others."""
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        return make_video(self.folder / name, frames=frames, fps=5)

    def jobs(self) -> int:
        """That are queued or at work."""
        jobs = self.endpoint.health()["jobs"]
        return int(jobs["inQueue"] + jobs["inProgress"])

    def executions(self) -> int:
        return self.endpoint.ledger.unit_runs

    def most_often(self) -> int:
        return max(self.endpoint.ledger.per_unit().values(), default=0)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("FRAMEFLEET_STAGES", "objects")
    there = Place(tmp_path)
    yield there
    there.go.set()
    there.service.close()


@pytest.fixture
def session(place: Place) -> Iterator[Session]:
    with Session(fleet=place.fleet) as made:
        yield made


def numbers(document: Document) -> list[float]:
    return [picture.time_s for picture in document.detections if picture.objects]


# What is shared


def test_each_model_is_loaded_once_for_three_videos_and_again_for_another_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def opens(name: str, handler: Any) -> Callable[[Any, Options], Any]:
        def open_handler(_: Any, options: Options) -> Any:
            loaded.append((name, options.whisper_model))
            return handler

        return open_handler

    monkeypatch.setattr(ObjectsStage, "open_handler", opens("objects", sees_a_person))
    monkeypatch.setattr(SpeechStage, "open_handler", opens("speech", hears_hello))
    monkeypatch.setattr(SpeechStage, "missing", lambda *_: None)
    videos = [make_video(tmp_path / f"{name}.mp4", frames=10, fps=5, audio="aac") for name in "abc"]
    asked: Any = {"stages": ("objects", "speech"), "vad": False}
    with Session(fleet=Fleet()) as session:
        documents = [result for _, result in session.analyze_many(videos, **asked)]
        assert all(isinstance(document, Document) for document in documents)
        assert sorted(loaded) == [("objects", None), ("speech", None)]
        session.analyze(videos[0], whisper_model="models/large", conf=0.9, **asked)
    assert loaded[2:] == [("speech", "models/large")]


def test_connections_levels_and_journals_outlive_an_analysis(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, journals = [], []
    made, journal = RunPodBackend.__init__, Journal.__init__
    monkeypatch.setattr(RunPodBackend, "__init__", lambda self, *a, **k: opened.append(self) or made(self, *a, **k))
    monkeypatch.setattr(Journal, "__init__", lambda self, *a, **k: journals.append(self) or journal(self, *a, **k))

    def connections() -> int:
        (backend,) = opened
        url = place.service.base_url
        adapter: Any = backend._api._http._session.get_adapter(url)
        return int(adapter.poolmanager.connection_from_url(url).num_connections)

    session.analyze(place.video("a.mp4"), max_workers=1)
    before = connections()
    for name in "bcd":
        session.analyze(place.video(f"{name}.mp4"), max_workers=1)
    assert connections() <= before + 1  # a look at the health may come while another call is under way
    assert len(journals) == 1
    assert len(session._resources._levels) == 1


def test_two_analyses_at_once_share_one_rate_limit_and_one_level(place: Place, session: Session) -> None:
    """Each alone would ask two at once; together they do."""
    place.go.clear()
    videos = [place.video("a.mp4"), place.video("b.mp4", frames=35)]
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(session.analyze, video, batch_size=1, max_workers=2) for video in videos]
        for _ in range(2):
            assert place.at_work.acquire(timeout=30)
        (level,) = session._resources._levels.values()
        while level._in_use < 2:
            pass
        assert place.jobs() <= 2
        assert level._in_use == 2
        (backend,) = session._resources._backends.values()
        assert isinstance(backend, RunPodBackend)
        limiter = backend._runs["yolo"]
        place.go.set()
        assert [len(numbers(each.result(60))) for each in asked] == [6, 7]
    assert backend._runs["yolo"] is limiter
    assert list(session._resources._backends.values()) == [backend]


def test_all_analyses_share_one_budget_beside_their_own(place: Place) -> None:
    """Each alone is within it, and with what the first has spent the second is not: a second costs a dollar."""
    videos = [place.video("a.mp4"), place.video("b.mp4", frames=35)]
    with Session(max_cost=8, fleet=place.fleet) as session:
        first = session.analyze(videos[0], price=1, batch_size=16)
        assert (first.failures, 5 <= first.cost.usd <= 6) == ([], True)  # the seconds that a worker idles
        with pytest.raises(BudgetError, match="--max-cost 8 for all videos together"):
            session.analyze(videos[1], price=1)
        assert place.executions() == 6
        assert session.analyze(videos[0], price=1).cost.usd == 0  # what is answered costs nothing
        with pytest.raises(BudgetError, match="--max-cost"):
            session.analyze(videos[1], price=0.01, max_cost=0.0001)
        assert session.analyze(videos[1], price=0.001, max_cost=1).failures == []


def test_a_journal_that_was_removed_is_made_anew(place: Place, session: Session, tmp_path: Path) -> None:
    video = place.video()
    session.analyze(video)
    for path in (tmp_path / "output").iterdir():
        path.unlink()
    session.analyze(video)
    assert place.executions() == 12
    session.analyze(video)
    assert place.executions() == 12
    assert (tmp_path / "output" / FILE_NAME).exists()


def test_two_analyses_of_one_video_at_once_share_its_work(place: Place, session: Session) -> None:
    video = place.video()
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(session.analyze, video, batch_size=1) for _ in range(2)]
        documents = [each.result(60) for each in both]
    assert [len(numbers(document)) for document in documents] == [6, 6]
    assert place.executions() == 6
    assert sum(document.cost.stages["objects"].requests for document in documents) == 6


# Many


def test_many_come_as_they_finish_and_one_that_fails_stops_no_other(
    place: Place, session: Session, tmp_path: Path
) -> None:
    videos = [place.video("one/clip.mp4"), tmp_path / "gone.mp4", place.video("two/clip.mp4", frames=35)]
    results = dict(session.analyze_many(videos, output_dir="there"))
    first, gone, second = (results[str(video)] for video in videos)
    assert isinstance(first, Document) and isinstance(second, Document)
    assert first.video.path == str(videos[0])
    assert isinstance(gone, InputError)
    assert [len(numbers(first)), len(numbers(second))] == [6, 7]
    names = sorted(path.name for path in (tmp_path / "there").glob("*.json"))
    assert names == ["one_clip_results.json", "two_clip_results.json"]
    assert read_document(tmp_path / "there" / names[1]) == second


def test_how_many_are_analyzed_is_the_callers_choice(place: Place, session: Session, tmp_path: Path) -> None:
    class Backwards(Executor):
        """The last video first, one after the other."""

        def run(self, pending: Pending, work: Work, listener: Any, scope: CancelScope) -> Any:
            tasks = [task for _ in range(len(pending)) if (task := pending.take()) is not None]
            for task in reversed(tasks):
                yield pending.ended(work(task, listener, scope))

    videos = [place.video("a.mp4"), place.video("b.mp4", frames=35)]
    assert [video for video, _ in session.analyze_many(videos, engine=Backwards())] == [*map(str, reversed(videos))]
    with pytest.raises(UsageError, match="--engine spark: no such engine"):
        next(session.analyze_many(videos, engine="spark"))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="at least one video"):
        next(session.analyze_many(videos, at_once=0))


def test_cancelling_ends_all_of_many(place: Place, session: Session) -> None:
    scope, videos = CancelScope(), [place.video("a.mp4"), place.video("b.mp4", frames=35)]
    results = session.analyze_many(videos, cancel=scope, at_once=1)
    assert isinstance(next(results)[1], Document)
    scope.cancel(RefusedError("the caller's own"))
    with pytest.raises(RefusedError, match="the caller's own"):
        next(results)
    assert place.executions() == 6


def test_a_video_that_fails_by_itself_while_all_are_cancelled_is_not_raised(place: Place, session: Session) -> None:
    scope, videos = CancelScope(), [place.video("a.mp4"), place.video("b.mp4", frames=35)]

    class Cancelled(Executor):
        def run(self, pending: Pending, work: Work, listener: Any, scope_of_all: CancelScope) -> Any:
            broken = pending.take()
            assert broken is not None
            scope.cancel()
            yield VideoOutcome(broken, 1.0, error=InputError("a.mp4: damaged"))

    results = session.analyze_many(videos, cancel=scope, engine=Cancelled())
    assert isinstance(next(results)[1], InputError)
    with pytest.raises(CancelledError):
        next(results)


# Cancelling


def test_a_scope_that_is_cancelled_before_the_start_begins_nothing(
    place: Place, session: Session, tmp_path: Path
) -> None:
    scope = CancelScope()
    scope.cancel()
    with pytest.raises(CancelledError):
        session.analyze(place.video(), cancel=scope)
    assert not (tmp_path / "output").exists()
    assert place.executions() == 0


def test_cancelled_from_another_thread_its_jobs_are_cancelled_and_what_was_answered_is_kept(
    place: Place, session: Session
) -> None:
    scope, video, held = CancelScope(), place.video(frames=60), threading.Event()

    def hold(event: Event) -> None:
        if isinstance(event, ItemDone) and not held.is_set():
            place.go.clear()
            held.set()

    def cancel() -> None:
        assert held.wait(30)
        while not place.endpoint.health()["jobs"]["inQueue"]:
            pass
        scope.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    with pytest.raises(
        CancelledError, match=r"cancelled: objects \d+ of 12 frames kept; about \$.* spent; call it again to resume"
    ):
        session.analyze(video, batch_size=1, max_workers=4, on_event=hold, cancel=scope)
    canceller.join()
    assert place.jobs() == 0
    (level,) = session._resources._levels.values()
    assert level._in_use == 0
    place.go.set()
    before = place.executions()
    document = session.analyze(video, batch_size=1, max_workers=4)
    assert (document.failures, len(numbers(document))) == ([], 12)
    assert place.executions() <= before + 12 - 1  # one was answered, at least


@pytest.mark.full
def test_an_endless_drain_lets_what_is_at_work_end_until_somebody_cancels_again(place: Place, session: Session) -> None:
    gently, at_once, video = CancelScope(), CancelScope(), place.video()
    place.go.clear()
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(session.analyze, video, batch_size=1, max_workers=2, cancel=gently)
        for _ in range(2):
            assert place.at_work.acquire(timeout=30)
        gently.cancel(drain_s=inf)
        place.go.set()
        with pytest.raises(CancelledError, match="objects 2 of 6 frames kept"):
            asked.result(60)
        place.go.clear()
        asked = pool.submit(session.analyze, video, batch_size=1, max_workers=2, cancel=at_once)
        for _ in range(2):
            assert place.at_work.acquire(timeout=30)
        at_once.cancel(drain_s=inf)
        at_once.cancel()
        with pytest.raises(CancelledError, match="objects 2 of 6 frames kept"):
            asked.result(60)
    assert place.jobs() == 0
    place.go.set()
    assert len(numbers(session.analyze(video))) == 6


def test_one_of_two_on_one_endpoint_is_cancelled_alone(place: Place, session: Session) -> None:
    scopes = [CancelScope(), CancelScope()]
    videos = [place.video("a.mp4"), place.video("b.mp4", frames=35)]
    place.go.clear()
    with ThreadPoolExecutor(2) as pool:
        one, other = (
            pool.submit(session.analyze, video, batch_size=1, cancel=scope)
            for video, scope in zip(videos, scopes, strict=True)
        )
        assert place.at_work.acquire(timeout=30)
        scopes[0].cancel()
        with pytest.raises(CancelledError):
            one.result(60)
        place.go.set()
        assert len(numbers(other.result(60))) == 7
    assert len(numbers(session.analyze(videos[0]))) == 6


def test_ids_that_are_on_their_way_are_waited_for_and_nothing_is_paid_twice(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service has taken and done the jobs before its answers to the orders arrive, and then all is cancelled."""
    scope, video, arrive = CancelScope(), place.video(), threading.Event()
    submit, ordered = RunPodBackend.submit, threading.Semaphore(0)

    def slowly(self: RunPodBackend, endpoint: str, request: Any, cancel: CancelScope) -> Any:
        job = submit(self, endpoint, request, cancel)
        while (place.endpoint.status(job.id) or {}).get("status") != "COMPLETED":
            pass
        ordered.release()
        assert arrive.wait(60)
        return job

    def cancel() -> None:
        for _ in range(3):
            assert ordered.acquire(timeout=30)
        scope.cancel(drain_s=0)
        arrive.set()

    with monkeypatch.context() as patch:
        patch.setattr(RunPodBackend, "submit", slowly)
        canceller = threading.Thread(target=cancel)
        canceller.start()
        with pytest.raises(CancelledError):
            session.analyze(video, batch_size=1, max_workers=3, cancel=scope)
        canceller.join()
    assert len(numbers(session.analyze(video, batch_size=1))) == 6
    assert (place.executions(), place.most_often()) == (6, 1)


def test_what_a_service_that_is_silent_has_is_the_next_ones_to_ask_after(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hears that the jobs are to be cancelled: they are done, and paid for once."""
    scope, video = CancelScope(), place.video()
    place.go.clear()
    with monkeypatch.context() as patch:
        patch.setattr(RunPodBackend, "cancel", lambda *_: (_ for _ in ()).throw(RefusedError("not heard")))
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(session.analyze, video, batch_size=3, max_workers=2, cancel=scope)
            for _ in range(2):
                assert place.at_work.acquire(timeout=30)
            scope.cancel(drain_s=0)
            with pytest.raises(CancelledError):
                asked.result(60)
    place.go.set()
    document = session.analyze(video, batch_size=3)
    assert (len(numbers(document)), document.failures) == (6, [])
    assert (place.executions(), place.most_often()) == (6, 1)
    assert document.cost.stages["objects"].requests == 2  # which are paid for now


@pytest.mark.full
def test_jobs_that_are_asked_after_for_an_earlier_analysis_are_left_to_the_next_too(
    place: Place, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than are asked after at once: some nobody had got round to."""
    scopes, video, asked_after = [CancelScope(), CancelScope()], place.video(), list[int]()
    place.go.clear()
    monkeypatch.setattr(RunPodBackend, "cancel", lambda *_: (_ for _ in ()).throw(RefusedError("not heard")))

    def cancelled(asked: list[Any], _: float) -> Any:
        asked_after.append(len(asked))
        scopes[1].cancel(drain_s=0)
        return SimpleNamespace(not_done=asked)

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(session.analyze, video, batch_size=1, max_workers=4, cancel=scopes[0])
        while place.jobs() < 4:
            pass
        scopes[0].cancel(drain_s=0)
        with pytest.raises(CancelledError):
            asked.result(60)
        with monkeypatch.context() as patch, pytest.raises(CancelledError):
            patch.setattr("framefleet.pipeline.assembly.wait", cancelled)
            session.analyze(video, batch_size=1, max_workers=1, cancel=scopes[1])
        assert asked_after == [4]
        place.go.set()
        again = pool.submit(session.analyze, video, batch_size=1)
        assert len(numbers(again.result(60))) == 6
    assert (place.executions(), place.most_often()) == (6, 1)


def test_cancelled_on_this_machine_it_ends_with_the_batch_that_is_at_work_and_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, go, seen = threading.Semaphore(0), threading.Event(), list[int]()

    def works(job: dict[str, Any]) -> dict[str, Any]:
        seen.append(len(job["input"]["source"]["frames"]))
        at_work.release()
        assert go.wait(30)
        return sees_a_person(job)

    monkeypatch.setattr(ObjectsStage, "open_handler", lambda *_: works)
    video, scope = make_video(tmp_path / "clip.mp4", frames=30, fps=5), CancelScope()
    with Session(fleet=Fleet()) as session, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(session.analyze, video, stages="objects", batch_size=2, cancel=scope)
        assert at_work.acquire(timeout=30)
        scope.cancel(drain_s=60)
        go.set()
        with pytest.raises(CancelledError, match="objects 2 of 6 frames kept"):
            asked.result(60)
        assert seen == [2]
        document = session.analyze(video, stages="objects", batch_size=2)
    assert (len(numbers(document)), seen) == (6, [2, 2, 2])


def test_speech_on_this_machine_ends_at_the_next_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine gives its segments window by window."""
    from framefleet.stages.speech.worker.handler import make_handler
    from framefleet.stages.speech.worker.model import Engine

    at_work, go, windows = threading.Event(), threading.Event(), list[int]()

    def transcribe(audio: Any, **_: Any) -> Any:
        def segments() -> Iterator[Any]:
            for number in range(10):
                windows.append(number)
                at_work.set()
                assert go.wait(30)
                yield type("Piece", (), {"text": "", "start": 0.0, "end": 1.0})

        return segments(), type("Info", (), {"language": "en", "language_probability": 1.0})

    engine = Engine(transcribe, "x", "f00d", "cpu", None, frozenset({"en"}), translates=False)
    monkeypatch.setattr(SpeechStage, "open_handler", lambda *_: make_handler(engine))
    monkeypatch.setattr(SpeechStage, "missing", lambda *_: None)
    cancel = LocalBackend.cancel
    monkeypatch.setattr(LocalBackend, "cancel", lambda self, job: (cancel(self, job), go.set()))
    video, scope = make_video(tmp_path / "clip.mp4", frames=10, fps=5, audio="aac"), CancelScope()
    asked: Any = {"stages": "speech", "vad": False}
    with Session(fleet=Fleet()) as session, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(session.analyze, video, cancel=scope, **asked)
        assert at_work.wait(30)
        scope.cancel(drain_s=60)
        with pytest.raises(CancelledError):
            asking.result(60)
        assert len(windows) == 1  # before the second it looks up
        del windows[:]
        assert session.analyze(video, **asked).failures == []
        assert len(windows) == 10


def test_closing_ends_what_is_running(place: Place) -> None:
    place.go.clear()
    with ThreadPoolExecutor(1) as pool:
        with Session(fleet=place.fleet) as session:
            asked = pool.submit(session.analyze, place.video(), batch_size=1)
            assert place.at_work.acquire(timeout=30)
        with pytest.raises(CancelledError, match="the session is closed"):
            asked.result(0)
        with pytest.raises(CancelledError, match="the session is closed"):
            session.analyze(place.video())


def test_an_event_says_which_video_and_when(place: Place, session: Session) -> None:
    heard, videos = list[Event](), [place.video("a.mp4"), place.video("b.mp4", frames=35)]
    list(session.analyze_many(videos, on_event=heard.append))
    assert {event.video for event in heard} == set(videos)
    assert [event.time_s for event in heard] == sorted(event.time_s for event in heard if event.time_s > 1e9)


# The library of the output folder


def test_each_analysis_brings_the_library_up_to_date(place: Place, session: Session, tmp_path: Path) -> None:
    def known() -> list[str]:
        with Library(library_in(tmp_path / "output")) as library:
            return [Path(entry.video).name for entry in library.documents()]

    session.analyze(place.video("a.mp4"))
    assert known() == ["a.mp4"]
    list(session.analyze_many([place.video("b.mp4", frames=35), place.video("c.mp4", frames=40)]))
    assert known() == ["a.mp4", "b.mp4", "c.mp4"]
    library_in(tmp_path / "output").unlink()
    (tmp_path / "output" / "b_results.json").unlink()
    session.analyze(place.video("a.mp4"))
    assert known() == ["a.mp4", "c.mp4"]


def test_a_library_that_cannot_be_written_fails_no_analysis(place: Place, session: Session, tmp_path: Path) -> None:
    library = library_in(tmp_path / "output")
    library.parent.mkdir()
    library.write_bytes(b"no database " * 99)
    heard = list[Event]()
    assert session.analyze(place.video("a.mp4"), on_event=heard.append).failures == []
    (result,) = dict(session.analyze_many([place.video("b.mp4", frames=35)], on_event=heard.append)).values()
    assert isinstance(result, Document)
    told = [event for event in heard if isinstance(event, Notice) and "the library is not up to date" in event.text]
    assert [event.video and event.video.name for event in told] == ["a.mp4", "b.mp4"]


def test_a_plan_is_what_an_analysis_would_do(place: Place, session: Session, tmp_path: Path) -> None:
    planned = session.plan(place.video(), fps=2, batch_size=4)
    assert [(plan.stage.name, plan.units, len(plan.items)) for plan in planned.plan.fleet] == [("objects", 12, 3)]
    assert not (tmp_path / "output").exists()
    with pytest.raises(FrameFleetError, match="batchsize: no such option"):
        session.plan(place.video(), batchsize=3)  # type: ignore[call-arg]


# A journal that hosts share


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
