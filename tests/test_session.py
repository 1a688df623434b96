"""A session: what its analyses share, what it returns of many, and the library that it keeps."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from framefleet import CancelScope, Session
from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.errors import (
    BudgetError,
    CancelledError,
    FrameFleetError,
    InputError,
    RefusedError,
    UsageError,
)
from framefleet.executors.base import Executor, Pending, VideoOutcome, Work
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.journal.file import FILE_NAME
from framefleet.journal.store import Journal
from framefleet.library import Library, library_in
from framefleet.progress import Event, Notice
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.speech.stage import SpeechStage
from tests.cli.conftest import hears_hello, sees_a_person
from tests.emulated_place import Place, numbers
from tests.media.make import make_video

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
