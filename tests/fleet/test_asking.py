"""What is asked of a service is charged whatever came of it, and nothing is left to run when a stage ends."""

import threading
from collections.abc import Callable
from math import inf
from typing import Any

import pytest

from framefleet.cancel import DRAIN_S, CancelScope
from framefleet.config.endpoints import Fleet, Secret
from framefleet.errors import (
    BudgetError,
    FleetError,
    FrameFleetError,
    Interrupted,
    JobFailedError,
    JobLostError,
    NotDoneError,
    RateLimitedError,
    StalledError,
    UnreachableError,
)
from framefleet.fleet.backends.base import (
    CALLS,
    JOB_QUEUE,
    Done,
    Health,
    Job,
    Receipt,
)
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.fleet.backends.runpod.job_api import JobStatus
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.hedging import ENOUGH, Hedge
from framefleet.fleet.execution.jobs import CANCEL_S
from framefleet.protocol.envelope import Probe
from tests.fleet.test_retry import Time

Script = Callable[[str, float], Done]


def failed(execution_ms: float = 0) -> FleetError:
    error = JobFailedError("it ended badly")
    error.receipt = Receipt("w" if execution_ms else None, 0, execution_ms)
    return error


def done(_: str = "", __: float = 0) -> Done:
    return Done({"gpu": "NVIDIA L4"}, Receipt("w", 0, 100))


class Scripted:
    """A backend whose `wait` does what the test says; it counts what it is asked."""

    name = "scripted"
    capabilities = JOB_QUEUE

    def __init__(self, wait: Script = done, cancelling: list[FleetError] | None = None) -> None:
        self.waiting = wait
        self.cancelling = cancelling or []
        self.submitted = 0
        self.cancelled: list[str] = []

    def submit(self, endpoint: str, request: Any, cancel: CancelScope | None = None) -> Job:
        self.submitted += 1
        return Job(endpoint, f"job {self.submitted}")

    def wait(self, job: Job, timeout_s: float, cancel: CancelScope | None = None) -> Done:
        return self.waiting(job.id, timeout_s)

    def cancel(self, job: Job) -> None:
        if self.cancelling:
            raise self.cancelling.pop()
        self.cancelled.append(job.id)

    def attach(self, endpoint: str, id: str) -> Job:
        return Job(endpoint, id)

    def health(self, endpoint: str) -> Health:
        return Health({}, {})

    def held_s(self, endpoint: str) -> float:
        return 0.0

    def close(self) -> None: ...


def asker(backend: Scripted, budget: Budget | None = None, hedge: Hedge | None = None) -> EndpointClient:
    return EndpointClient(backend, "yolo", began=0, level=AdaptiveConcurrency(5, 5), budget=budget, hedge=hedge)


def end(there: EndpointClient, error: FrameFleetError) -> None:
    """The stage ends with `error`, as the dispatcher has it."""
    there.scope.cancel(error, drain_s=inf if isinstance(error, BudgetError) else DRAIN_S)
    there.drain()


def ask(there: EndpointClient) -> Any:
    return there.ask(Probe(), lambda _: None)


def raising(error: FleetError) -> Script:
    def wait(_: str, __: float) -> Done:
        raise error

    return wait


def test_a_job_that_failed_on_a_worker_is_charged_and_counts_against_the_budget() -> None:
    there = asker(Scripted(raising(failed(600_000))), Budget(0.1, price=0.001))
    with pytest.raises(JobFailedError):
        ask(there)
    assert [charge.receipt.execution_ms for charge in there.charges] == [600_000]
    with pytest.raises(BudgetError):
        ask(there)


def test_a_job_of_which_nobody_could_tell_is_counted_until_it_is_over() -> None:
    backend = Scripted(raising(UnreachableError("no status")))
    there = asker(backend)
    sent: list[Any] = []
    with pytest.raises(UnreachableError):
        there.ask(Probe(), sent.append)
    assert there.unheard == 1
    backend.waiting = raising(failed())
    with pytest.raises(JobFailedError):
        there.ask(Probe(), sent.append, sent[0])
    assert there.unheard == 0


def test_a_job_that_no_worker_had_is_not_charged() -> None:
    there = asker(Scripted(raising(failed())))
    with pytest.raises(JobFailedError):
        ask(there)
    assert there.charges == []


def test_the_loser_of_a_race_is_cancelled_and_charged_what_the_service_says() -> None:
    backend = Scripted()
    hedge = Hedge()
    for _ in range(ENOUGH):
        hedge.answered(0.0)
    there = asker(backend, hedge=hedge)

    def wait(job: str, _: float) -> Done:
        if job == "job 2":
            return done()
        if backend.cancelled:
            raise failed(2_000)
        raise NotDoneError("at work")

    backend.waiting = wait
    ask(there)
    assert backend.cancelled == ["job 1"]
    assert [(charge.receipt.execution_ms, charge.hedged) for charge in there.charges] == [(100, False), (2_000, True)]
    assert there.in_flight == 0


def under_way(there: EndpointClient, backend: Scripted, error: FleetError, cancels: int = 1) -> None:
    """Ends the stage, so many times, while one job is waited for."""

    def wait(_: str, __: float) -> Done:
        for _ in range(cancels):
            end(there, error)
        raise failed()

    backend.waiting = wait
    with pytest.raises(JobFailedError):
        ask(there)


def test_ending_cancels_what_is_under_way_once_however_many_threads_end_it() -> None:
    backend = Scripted()
    under_way(asker(backend), backend, StalledError("nothing moves"), cancels=5)
    assert backend.cancelled == ["job 1"]


@pytest.mark.parametrize("refusal", [RateLimitedError("too many"), UnreachableError("the service answered 502")])
def test_a_cancellation_that_was_not_heard_is_asked_again(refusal: FleetError) -> None:
    backend = Scripted(cancelling=[refusal] * 2)
    under_way(asker(backend), backend, StalledError("nothing moves"))
    assert backend.cancelled == ["job 1"]


def test_a_job_submitted_while_the_stage_ends_is_cancelled_and_its_answer_kept_if_it_has_one() -> None:
    backend = Scripted()
    there = asker(backend)
    submit = backend.submit

    def ends() -> None:
        end(there, Interrupted("Ctrl-C"))
        cancelled_by_then.extend(backend.cancelled)

    def late(endpoint: str, request: Any, cancel: CancelScope) -> Job:
        ending.start()
        while not there.scope.closing:
            pass
        return submit(endpoint, request)

    cancelled_by_then: list[str] = []
    ending = threading.Thread(target=ends)
    backend.submit = late  # type: ignore[method-assign]
    sent = []
    assert there.ask(Probe(), sent.append) == {"gpu": "NVIDIA L4"}
    ending.join()
    assert cancelled_by_then == ["job 1"]  # the process may end then
    assert [each.job.id for each in sent] == ["job 1"]


def test_the_budgets_end_cancels_nothing_but_an_interruption_after_it_does() -> None:
    backend = Scripted()
    there = asker(backend)
    there.wake(1)
    under_way(there, backend, BudgetError("too dear"))
    assert backend.cancelled == []
    end(there, Interrupted("Ctrl-C"))
    assert backend.cancelled == ["job 1"]


def test_cancelling_ends_when_the_network_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    monkeypatch.setattr("framefleet.fleet.execution.jobs.perf_counter", time)
    backend = Scripted()
    there = asker(backend)
    there.wake(100)

    def slowly(_: Job) -> None:
        time.sleep(15)
        raise UnreachableError("no answer in time")

    monkeypatch.setattr(backend, "cancel", slowly)
    end(there, Interrupted("Ctrl-C"))
    assert time.now <= CANCEL_S + 15


def test_a_job_of_an_earlier_run_is_in_flight_and_cancelled_at_the_end() -> None:
    backend = Scripted()
    there = asker(backend)

    def wait(_: str, __: float) -> Done:
        assert there.in_flight == 1
        end(there, Interrupted("Ctrl-C"))
        raise failed()

    backend.waiting = wait
    with pytest.raises(JobFailedError):
        there.attend("an old job")
    assert backend.cancelled == ["an old job"]


def test_a_job_of_an_earlier_run_is_not_waited_for_after_the_end() -> None:
    waited = []

    def wait(job: str, timeout_s: float) -> Done:
        waited.append(job)
        return done()

    asker = EndpointClient(Scripted(wait), "x", began=0, level=AdaptiveConcurrency(1, 1))
    end(asker, StalledError("nothing moves"))
    with pytest.raises(StalledError):
        asker.attend("job 7")
    assert (waited, asker.in_flight) == ([], 0)
    paid = EndpointClient(Scripted(wait), "x", began=0, level=AdaptiveConcurrency(1, 1))
    end(paid, BudgetError("too dear"))
    paid.attend("job 8")  # costs nothing more
    assert waited == ["job 8"]


def test_the_jobs_of_a_backend_that_ends_with_its_process_are_never_asked_after() -> None:
    backend, told = Scripted(), []
    backend.capabilities = CALLS  # type: ignore[misc]
    there = asker(backend)
    there.ask(Probe(), told.append)
    assert told == []
    with pytest.raises(JobLostError):
        there.attend("job 1")  # which may be another one here


def test_probes_are_charged_when_done_and_cancelled_when_nobody_took_them() -> None:
    def wait(job: str, _: float) -> Done:
        if job == "job 2":
            raise NotDoneError("in the queue")
        return done()

    backend = Scripted(wait)
    there = asker(backend)
    there.wake(2)
    there.settle()
    assert [charge.receipt.execution_ms for charge in there.charges] == [100]
    assert backend.cancelled == ["job 2"]


def test_waiting_between_attempts_ends_with_the_stage() -> None:
    there = asker(Scripted())
    end(there, StalledError("nothing moves"))
    with pytest.raises(StalledError):
        there.rest(1e9)


class Busy:
    """RunPod's API with a job that is never done."""

    polls = 0

    def status(self, endpoint_id: str, job_id: str) -> JobStatus:
        self.polls += 1
        return JobStatus(id=job_id, status="IN_PROGRESS")


def test_a_short_wait_for_a_long_job_waits_all_of_it_and_looks_seldom() -> None:
    """Two racing jobs are waited for in turns of a few hundredths of a second: that must not be a loop of requests."""
    time = Time()
    backend = RunPodBackend(Fleet(endpoints={"yolo": "x"}, api_key=Secret("k")), clock=time, sleep=time.sleep)
    backend._api = Busy()  # type: ignore[assignment]
    backend._polling["yolo"].finished(10.0)
    with pytest.raises(NotDoneError):
        backend.wait(Job("yolo", "j"), 0.05)
    assert time.now == pytest.approx(0.05)
    assert backend._api.polls == 2  # type: ignore[attr-defined]
