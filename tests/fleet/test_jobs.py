"""Ending a stage: its jobs are cancelled, nobody waits for them long, and none is ordered behind its back."""

import threading
from typing import Any

import pytest

from framefleet.cancel import DRAIN_S, CancelScope
from framefleet.config.endpoints import Fleet, Secret
from framefleet.errors import (
    AuthError,
    Interrupted,
    JobLostError,
    NotDoneError,
    StalledError,
    UnreachableError,
)
from framefleet.fleet.backends.base import Done, Job
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.fleet.backends.runpod.job_api import CANCEL_TIMEOUT_S, JobStatus
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.jobs import CANCEL_S, CANCEL_TRIES, Sent
from framefleet.protocol.envelope import Probe
from tests.fleet.test_asking import Scripted, ask, asker, done, end
from tests.fleet.test_retry import Time


class Busy:
    """RunPod's API with jobs that are never done, and where cancelling takes its time and is not heard."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.cancels = 0

    def status(self, endpoint_id: str, job_id: str) -> JobStatus:
        return JobStatus(id=job_id, status="IN_QUEUE")

    def cancel(self, endpoint_id: str, job_id: str) -> JobStatus:
        self.cancels += 1
        self.time.sleep(CANCEL_TIMEOUT_S)
        raise UnreachableError("no answer in time")


def busy(time: Time, monkeypatch: pytest.MonkeyPatch) -> tuple[EndpointClient, RunPodBackend, Busy]:
    monkeypatch.setattr("framefleet.fleet.execution.jobs.perf_counter", time)
    backend = RunPodBackend(Fleet(endpoints={"yolo": "x"}, api_key=Secret("k")), clock=time, sleep=time.sleep)
    api = Busy(time)
    backend._api = api  # type: ignore[assignment]
    client = EndpointClient(backend, "yolo", began=0, level=AdaptiveConcurrency(5, 5), scope=CancelScope(clock=time))
    return client, backend, api


def test_when_a_stage_ends_none_of_its_jobs_is_waited_for_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor those that nobody got round to cancelling."""
    time = Time()
    there, backend, _ = busy(time, monkeypatch)
    for number in range(300):
        there._jobs.enlist(Sent(Job("yolo", f"job {number}"), 0))
    end(there, StalledError("nothing moves"))
    ended = time.now
    with pytest.raises(NotDoneError, match="at the end of the run") as error:
        backend.wait(Job("yolo", "job 299"), 4000, there.scope)
    assert not error.value.job_over  # the next run asks after it
    assert time.now - ended <= DRAIN_S + 2


def test_a_service_that_is_silent_holds_the_end_no_longer_than_it_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    there, _, api = busy(time, monkeypatch)
    there._jobs.enlist(Sent(Job("yolo", "job"), 0))
    end(there, Interrupted("Ctrl-C"))
    assert api.cancels < CANCEL_TRIES
    assert time.now <= CANCEL_S + CANCEL_TIMEOUT_S


def test_an_error_that_asking_again_does_not_help_is_asked_once() -> None:
    backend = Scripted(cancelling=[AuthError("the key is wrong")])
    there = asker(backend)
    there.wake(1)
    end(there, Interrupted("Ctrl-C"))
    assert (backend.cancelling, backend.cancelled) == ([], [])


def test_whoever_ends_second_waits_for_what_is_being_ordered_too() -> None:
    backend = Scripted()
    there, ordered, go = asker(backend), threading.Event(), threading.Event()
    submit, over = backend.submit, list[str]()

    def slowly(endpoint: str, request: Any, cancel: Any) -> Job:
        ordered.set()
        assert go.wait(30)
        return submit(endpoint, request)

    def ends(error: Any) -> None:
        end(there, error)
        over.extend(backend.cancelled)

    backend.submit = slowly  # type: ignore[method-assign]
    asking = threading.Thread(target=lambda: there.ask(Probe(), lambda _: None))
    asking.start()
    assert ordered.wait(30)
    ending = [threading.Thread(target=ends, args=(error,)) for error in (StalledError("x"), Interrupted("y"))]
    for thread in ending:
        thread.start()
    while len(there._jobs._changed._waiters) < len(ending):  # type: ignore[attr-defined]
        assert all(thread.is_alive() for thread in ending)
    go.set()
    for thread in [*ending, asking]:
        thread.join()
    assert over == ["job 1", "job 1"]


def test_a_job_that_is_known_is_asked_after_and_nothing_is_sent() -> None:
    backend, noted, waited = Scripted(), list[Sent](), list[str]()

    def wait(job: str, _: float) -> Done:
        waited.append(job)
        if len(waited) == 1:
            raise UnreachableError("no status for 300 s")
        return done()

    backend.waiting = wait
    there = asker(backend)
    with pytest.raises(UnreachableError):
        there.ask(Probe(), noted.append)
    assert there.ask(Probe(), noted.append, noted[0]) == {"gpu": "NVIDIA L4"}
    assert (backend.submitted, waited, len(noted), there.in_flight) == (1, ["job 1", "job 1"], 1, 0)
    assert [charge.submitted_s for charge in there.charges] == [noted[0].submitted_s]


def test_a_job_that_is_known_is_not_asked_after_once_the_run_has_ended_meanwhile() -> None:
    backend = Scripted(lambda job, timeout_s: pytest.fail("it was waited for"))
    there = asker(backend)
    enlist = there._jobs.enlist

    def late(sent: Sent) -> None:
        end(there, StalledError("nothing moves"))
        enlist(sent)

    there._jobs.enlist = late  # type: ignore[method-assign]
    with pytest.raises(StalledError):
        there.ask(Probe(), lambda _: None, Sent(Job("yolo", "job 1"), 0))
    assert there.in_flight == 0


def test_what_is_lost_is_told_and_nothing_is_left_in_flight() -> None:
    there = asker(Scripted(lambda job, timeout_s: _raise(JobLostError("it is gone"))))
    with pytest.raises(JobLostError):
        ask(there)
    assert there.in_flight == 0


def _raise(error: Exception) -> Any:
    raise error
