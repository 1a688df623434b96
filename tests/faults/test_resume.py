"""A run that was cut off goes on from where it was, and what was answered once is never asked again."""

import itertools
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from pathlib import Path
from typing import Any

import pytest

from framefleet.cli.commands.plan import described
from framefleet.errors import (
    BudgetError,
    FrameFleetError,
    Interrupted,
    RefusedError,
)
from framefleet.fleet.execution.client import EndpointClient
from framefleet.journal.file import FILE_NAME
from framefleet.progress import (
    Event,
    ItemDone,
    Notice,
    StageStarted,
)
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.storage.folder import FolderResults
from tests.faults.world import API_KEY, PICTURES, WORKER, World, told
from tests.media.sound import bursts, damage, make_sound

pytestmark = pytest.mark.full

IN_FLIGHT = 8 * 2 + 1  # requests at once × pictures each, and a clip


def command(world: World, *more: str) -> subprocess.Popen[str]:
    """The real command on the world's film, as a process of its own."""
    arguments = ["--fps", "10", "--batch-size", "2", "--max-workers", "8", "--max-attempts", "16", "-v"]
    arguments += ["--stages", "objects,speech", "--no-vad", *more]  # of an option given twice the last one counts
    environ = os.environ | {
        "RUNPOD_API_KEY": API_KEY,
        "RUNPOD_ENDPOINT_BASE_URL": world.service.base_url,
        "FRAMEFLEET_YOLO_ENDPOINT": "yolo-id",
        "FRAMEFLEET_WHISPER_ENDPOINT": "whisper-id",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "framefleet", "run", str(world.film), "--output-dir", str(world.folder), *arguments],
        env=environ,
        text=True,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )


def written(world: World) -> Document:
    return read_document(FolderResults(world.folder).path(world.film.stem))


@pytest.mark.full
def test_killed_at_ten_random_moments_and_resumed_each_time(world: Callable[..., World], faultless: Document) -> None:
    there, dice, kills = world(), random.Random(3), 0
    for _ in range(10):
        process = command(there)
        assert process.stderr is not None
        for _ in range(dice.randrange(1, 14)):  # lines of progress, so wherever the work stands then
            if not process.stderr.readline():
                break
        kills += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    last = command(there)
    _, said = last.communicate()
    assert last.returncode == 0, said
    assert told(written(there)) == told(faultless)
    assert kills >= 5
    assert PICTURES < there.executions() <= PICTURES + 1 + kills * IN_FLIGHT


def test_a_second_run_costs_nothing_and_another_rate_only_its_new_pictures(world: Callable[..., World]) -> None:
    there = world()
    there.run(fps=5)
    assert there.executions() == 100 + 1
    again = there.run(fps=5)
    assert there.executions() == 100 + 1
    assert again.cost.usd == 0
    there.run(fps=10)
    assert there.executions() == PICTURES + 1
    assert there.most_often() == 1


def test_what_all_runs_cost_is_told_whatever_this_one_did(world: Callable[..., World]) -> None:
    there = world()
    first = there.run(fps=1).cost
    assert first.usd_all_runs == first.usd > 0
    again = there.run(fps=1).cost
    assert (again.usd, again.usd_all_runs) == (0, first.usd)
    assert there.run(fps=1, stages=("speech",)).cost.usd_all_runs == first.stages["speech"].usd
    more = there.run(fps=2).cost
    assert first.usd <= more.usd_all_runs <= first.usd + more.usd + 1e-6  # the workers may have idled between


@pytest.mark.full
def test_what_a_killed_run_was_charged_is_not_forgotten(world: Callable[..., World]) -> None:
    there = world(workers=1)
    process = command(there, "--stages", "objects")
    assert process.stderr is not None
    while "Batch" not in process.stderr.readline():
        pass
    process.kill()
    process.communicate()
    cost = there.run(stages=("objects",)).cost
    assert cost.stages["objects"].requests < PICTURES // 2
    assert cost.usd <= cost.usd_all_runs
    with closing(sqlite3.connect(there.folder / FILE_NAME)) as db:
        assert db.execute("SELECT count(*) FROM charges").fetchone() == (PICTURES // 2,)


def test_sound_that_could_not_be_decoded_is_told_by_every_run(world: Callable[..., World], tmp_path: Path) -> None:
    """Also by one that decodes none of it, because all is answered."""
    there = world()
    whole = make_sound(tmp_path / "whole.mkv", [(0, bursts(0, 20))], codec="flac")
    there.film = damage(whole, tmp_path / "damaged.mkv", lambda t: 7 < t < 13)
    first, again = there.run(stages=("speech",)), there.run(stages=("speech",))
    assert there.executions() == 1
    (failure,) = first.failures
    assert (failure.span_s.start_s, failure.span_s.end_s) == pytest.approx((7, 13), abs=0.5)
    assert again.failures == first.failures


@pytest.mark.full
def test_answered_pictures_are_not_decoded_again(world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> None:
    there = world()
    first = there.run(fps=5)
    monkeypatch.setattr(
        "framefleet.media.video.encode.JpegEncoder.encode", lambda *_: pytest.fail("a picture was encoded")
    )
    assert told(there.run(fps=5)) == told(first)


def test_fresh_starts_over(world: Callable[..., World]) -> None:
    there = world()
    there.run(fps=1)
    there.run(fps=1, fresh=True)
    assert there.executions() == 2 * 21


def test_another_option_that_changes_the_answer_is_other_work(world: Callable[..., World]) -> None:
    there = world()
    there.run(fps=1)
    there.run(fps=1, conf=0.5)
    assert there.executions() == 20 + 1 + 20


def test_work_submitted_is_asked_for_by_its_job_id_before_any_is_sent_anew(world: Callable[..., World]) -> None:
    """The client dies when the service has accepted everything, and the service goes on without it."""
    there = world()

    waiting = EndpointClient._waited

    def dying(self: EndpointClient, *arguments: Any) -> Any:
        waiting(self, *arguments)
        raise RefusedError("the client died here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EndpointClient, "_waited", dying)
        patch.setattr("framefleet.journal.store.Journal.release", lambda *_: None)
        patch.setattr("framefleet.journal.store.new_owner", lambda: "another-host:1:aa")
        with pytest.raises(FrameFleetError):
            there.run(fps=1)
    sent = there.executions()
    assert sent > 0
    document = there.run(fps=1)
    assert there.most_often() == 1
    assert [picture.objects[0].class_id for picture in document.detections if picture.objects] == list(
        range(0, 200, 10)
    )


def with_all_in_the_queue(world: World) -> subprocess.Popen[str]:
    """A run at 1 picture a second whose jobs are accepted and noted, and stay in the queue."""
    for endpoint in world.service.endpoints.values():
        endpoint.block(throttled=4)
    process = command(world, "--fps", "1")
    path, noted = world.folder / FILE_NAME, 0
    while noted < 8 + 1:
        with closing(sqlite3.connect(path)) if path.exists() else nullcontext() as db, suppress(sqlite3.Error):
            noted = db.execute("SELECT count(*) FROM submissions WHERE job_id IS NOT NULL").fetchone()[0] if db else 0
    return process


def freed(world: World) -> None:
    for endpoint in world.service.endpoints.values():
        endpoint.block()


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells of zombies")
def test_killed_and_run_again_before_anybody_takes_notice_pays_nothing_twice(world: Callable[..., World]) -> None:
    there, notices = world(min_workers=0), []
    process = with_all_in_the_queue(there)
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its parent has not asked yet
    freed(there)
    there.run(lambda event: notices.append(event.text) if isinstance(event, Notice) else None, fps=1)
    process.communicate()
    assert there.executions() == 20 + 1
    assert "objects: picking up 8 jobs of an earlier run" in notices
    assert "speech: picking up 1 job of an earlier run" in notices


@pytest.mark.full
def test_the_jobs_of_a_run_that_is_killed_meanwhile_are_not_paid_again(world: Callable[..., World]) -> None:
    there = world(min_workers=0)
    process = with_all_in_the_queue(there)

    def kill(event: Event) -> None:
        if isinstance(event, Notice) and "another run has sent" in event.text:
            process.kill()
            process.wait()
            freed(there)

    document = there.run(kill, fps=1)
    process.communicate()
    assert document.failures == []
    assert there.executions() == 20 + 1


@pytest.mark.full
def test_two_processes_on_one_video_share_it(world: Callable[..., World], faultless: Document) -> None:
    there = world()
    both = [command(there), command(there)]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert told(written(there)) == told(faultless)
    assert there.executions() == PICTURES + 1
    assert there.most_often() == 1


@pytest.mark.full
def test_ctrl_c_cancels_what_is_queued_and_the_same_command_goes_on(
    world: Callable[..., World], faultless: Document
) -> None:
    there = world()
    events: list[Event] = []

    def interrupt(event: Event) -> None:
        events.append(event)
        if isinstance(event, ItemDone) and sum(isinstance(e, ItemDone) for e in events) == 5:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted, match="run the same command again to resume") as ended:
        there.run(interrupt)
    told_of = re.search(
        r"objects (\d+) of 200 frames, speech \d+ of 20 s kept; about \$0\.00\d+ spent", str(ended.value)
    )
    assert told_of is not None
    assert 8 <= int(told_of[1]) < PICTURES
    assert all(not e.health()["jobs"]["inQueue"] for e in there.service.endpoints.values())
    before = there.executions()
    assert before < PICTURES
    assert told(there.run()) == told(faultless)
    assert there.executions() <= PICTURES + 1 + IN_FLIGHT


@pytest.mark.full
@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_journal_that_cannot_be_written_loses_nothing_that_was_answered(
    how: str, world: Callable[..., World], monkeypatch: pytest.MonkeyPatch, faultless: Document
) -> None:
    """SQLite answers as on a full disk, or a read-only one, after some batches."""
    from framefleet.journal.store import Journal

    there, notices, kept = world(), [], Journal.keep

    def keep(self: Journal, answers: dict[str, bytes]) -> None:
        if self._db.execute("SELECT count(*) FROM answers").fetchone()[0] > 20:
            pages = self._db.execute("PRAGMA page_count").fetchone()[0]
            self._db.execute(f"PRAGMA max_page_count = {pages}" if how == "full" else "PRAGMA query_only = 1")
            answers = answers | {f"{key} and more": b"x" * 9000 for key in answers}
        kept(self, answers)

    monkeypatch.setattr(Journal, "keep", keep)
    document = there.run(lambda event: notices.append(event.text) if isinstance(event, Notice) else None)
    answered = [picture for picture in document.detections if picture.objects is not None]
    heard = document.transcription is not None and len(document.transcription.segments)
    assert len(answered) + heard == there.executions()
    assert any("journal cannot be used" in text for text in notices)
    assert all("journal" in failure.error for failure in document.failures)
    assert 20 < len(answered) < PICTURES
    monkeypatch.undo()
    assert told(there.run()) == told(faultless)


@pytest.mark.full
def test_a_service_that_goes_away_for_a_while_is_waited_for(world: Callable[..., World], faultless: Document) -> None:
    there, done = world(), itertools.count(1)

    def leave(event: Event) -> None:
        if isinstance(event, ItemDone) and next(done) == 10:  # once, of however many threads
            there.service.stop()
            threading.Timer(1.5, there.service.start).start()  # an outage has a length: nothing else can end it

    assert told(there.run(leave)) == told(faultless)


@pytest.mark.full
def test_a_run_that_would_pass_its_budget_stops_and_keeps_what_it_has(
    world: Callable[..., World], faultless: Document
) -> None:
    there = world()
    with pytest.raises(BudgetError, match="would cost about"):
        there.run(max_cost=0.0001)
    assert there.executions() == 0
    dear = world(workers=16)  # more than were planned for, and each is billed for its idle time too
    document = dear.run(max_cost=0.12, price=0.002)
    assert document.failures
    assert all("--max-cost" in failure.error for failure in document.failures)
    assert 0 < dear.executions() < PICTURES
    assert told(dear.run()) == told(faultless)


def test_a_plan_and_a_budget_count_only_what_is_not_answered_yet(world: Callable[..., World]) -> None:
    there = world()
    assert len(described(there.prepare(fps=1)).splitlines()) == 4
    assert not there.folder.exists()
    there.run(fps=1)
    before = {path: path.stat().st_mtime_ns for path in there.folder.iterdir()}
    _, objects, speech, left = described(there.prepare(fps=1)).splitlines()
    assert objects.split() == ["objects", "20", "of", "20", "frames", "already", "answered"]
    assert speech.split() == ["speech", "20", "of", "20", "s", "already", "answered"]
    assert "left     about 0 s and $0.0000" in left
    assert "20 frames in 10 requests" in described(there.prepare(fps=2))
    assert described(there.prepare(fps=2)).count("; 20 of 40 frames already answered") == 1
    assert "already answered" not in described(there.prepare(fps=1, fresh=True))
    assert {path: path.stat().st_mtime_ns for path in there.folder.iterdir()} == before
    assert there.run(fps=1, max_cost=0.0001).failures == []
    with pytest.raises(BudgetError, match="would cost about"):
        there.run(fps=2, max_cost=0.0001)
    with pytest.raises(BudgetError, match="would cost about"):
        there.run(fps=1, fresh=True, max_cost=0.0001)


def test_warming_wakes_workers_without_work(world: Callable[..., World]) -> None:
    there = world(min_workers=0)
    there.run(fps=1, warm=3)
    probes = [e for e in there.service.endpoints["yolo-id"].ledger.executions if not e.units]
    assert len(probes) == 3


def test_what_is_answered_already_wakes_nobody(world: Callable[..., World]) -> None:
    there = world(min_workers=0)
    there.run(fps=1)
    assert there.run(fps=1, warm=3).cost.usd == 0
    assert all(e.units for e in there.service.endpoints["yolo-id"].ledger.executions)


def test_ctrl_c_is_heard_while_an_earlier_runs_jobs_are_waited_for(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = world(min_workers=0)
    for endpoint in there.service.endpoints.values():
        endpoint.block(throttled=4)  # so the jobs stay in the queue
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EndpointClient, "_waited", lambda *_: (_ for _ in ()).throw(RefusedError("the client died here")))
        patch.setattr("framefleet.journal.store.Journal.release", lambda *_: None)
        patch.setattr("framefleet.journal.store.new_owner", lambda: "another-host:1:aa")
        with pytest.raises(FrameFleetError):
            there.run(fps=1)
    waiting = [e.health()["jobs"]["inQueue"] for e in there.service.endpoints.values()]
    assert all(waiting)

    def interrupted(asked: list[Any], _: float) -> None:
        while not all(e.health()["jobs"]["inQueue"] for e in there.service.endpoints.values()):
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr("framefleet.pipeline.assembly.wait", interrupted)
    with pytest.raises(Interrupted, match="run the same command again to resume"):
        there.run(fps=1)


def test_answers_of_a_model_that_was_since_replaced_are_told(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    there, events = world(), []
    there.run(fps=1)
    monkeypatch.setitem(WORKER, "model_id", "beef")
    there.run(events.append, fps=2)
    told = [event.text for event in events if isinstance(event, Notice)]
    assert any("objects: answers from different models" in text and "--fresh" in text for text in told)


@pytest.mark.full
def test_what_is_known_is_not_shown_as_work(world: Callable[..., World]) -> None:
    there, events = world(), []
    there.run(fps=5)
    there.run(events.append, fps=10)
    (started,) = [e for e in events if isinstance(e, StageStarted) and e.stage == "objects"]
    assert (started.units, started.known) == (100, 100)
