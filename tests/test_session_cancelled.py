"""Analyses of a session are cancelled, and it is as good as new after."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from framefleet import CancelScope, Session
from framefleet.config.endpoints import Fleet
from framefleet.errors import (
    CancelledError,
    RefusedError,
)
from framefleet.fleet.backends.inprocess import LocalBackend
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.progress import Event, ItemDone
from framefleet.stages.objects.stage import ObjectsStage
from framefleet.stages.speech.stage import SpeechStage
from tests.cli.conftest import sees_a_person
from tests.emulated_place import Place, numbers
from tests.media.make import make_video


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
