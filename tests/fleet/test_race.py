"""A second sending never costs the first one's answer, and a race always ends."""

from typing import Any

import pytest

from framefleet.config.endpoints import Fleet, Secret
from framefleet.errors import (
    BudgetError,
    FleetError,
    Interrupted,
    JobFailedError,
    JobLostError,
    NotDoneError,
    RateLimitedError,
    UnreachableError,
)
from framefleet.fleet.backends.base import Done, Job, Receipt
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.fleet.backends.runpod.job_api import JobStatus
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.hedging import ENOUGH, RACE_S, Hedge, race
from framefleet.fleet.execution.jobs import Jobs, Sent
from framefleet.protocol.envelope import Probe
from tests.fleet.test_asking import Scripted, done, end, failed
from tests.fleet.test_retry import Time


def impatient(backend: Any, budget: Budget | None = None) -> EndpointClient:
    """Sends a second time as soon as the first look at a job finds it at work."""
    hedge = Hedge()
    for _ in range(ENOUGH):
        hedge.answered(0.0)
    return EndpointClient(backend, "yolo", began=0, level=AdaptiveConcurrency(5, 5), hedge=hedge, budget=budget)


def at_work(looks: int) -> Any:
    """Job 1 is at work for so many looks and then done; any other is at work for ever."""
    left = iter(range(looks))

    def wait(job: str, _: float) -> Done:
        if job != "job 1" or next(left, None) is not None:
            raise NotDoneError("at work")
        return done()

    return wait


@pytest.mark.parametrize("refusal", [RateLimitedError("too many"), UnreachableError("reset"), JobFailedError("no id")])
def test_where_the_second_sending_is_refused_the_first_is_waited_for(refusal: FleetError) -> None:
    backend = Scripted(at_work(1))
    submit = backend.submit

    def second_refused(endpoint: str, request: Any, cancel: Any) -> Job:
        if backend.submitted:
            raise refusal
        return submit(endpoint, request)

    backend.submit = second_refused  # type: ignore[method-assign]
    there = impatient(backend)
    assert there.ask(Probe(), lambda _: None) == {"gpu": "NVIDIA L4"}
    assert (backend.submitted, backend.cancelled, there.in_flight) == (1, [], 0)


def test_nothing_is_sent_a_second_time_once_the_budget_has_ended() -> None:
    backend = Scripted()
    there = impatient(backend)

    def wait(job: str, timeout_s: float) -> Done:
        if not timeout_s:
            end(there, BudgetError("too dear"))
            raise NotDoneError("at work")
        return done()

    backend.waiting = wait
    there.ask(Probe(), lambda _: None)
    assert backend.submitted == 1


def test_a_second_sending_is_within_the_budget() -> None:
    backend, budget = Scripted(at_work(1)), Budget(0.0075, price=0.001)
    budget.add("yolo", JobUsage(0, Receipt("w", 0, 1_000)))  # 6 s are billed, and another request takes a second more
    impatient(backend, budget).ask(Probe(), lambda _: None)
    assert backend.submitted == 1


def test_a_race_goes_on_though_the_budget_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Scripted()
    there = impatient(backend)
    looks = iter(range(6))

    def wait(job: str, _: float) -> Done:
        look = next(looks, None)
        if look == 3:
            end(there, BudgetError("too dear"))
        if look is not None:
            raise NotDoneError("at work")
        return done()

    slept = list[float]()
    monkeypatch.setattr(there.scope, "wait", lambda seconds, under_way: slept.append(seconds) if under_way else None)
    backend.waiting = wait
    assert there.ask(Probe(), lambda _: None) == {"gpu": "NVIDIA L4"}
    assert there.in_flight == 0
    assert slept == [RACE_S] * 2  # as long as before


def test_a_race_is_counted_in_the_budget_as_two() -> None:
    backend, budget = Scripted(), Budget(None)
    there, looks, counted = impatient(backend, budget), iter(range(4)), list[int]()

    def wait(job: str, _: float) -> Done:
        counted.append(budget._in_flight["yolo"])
        if next(looks, None) is None:
            return done()
        raise NotDoneError("at work")

    backend.waiting = wait
    there.ask(Probe(), lambda _: None)
    assert (counted[0], set(counted[1:]), budget._in_flight["yolo"]) == (1, {2}, 0)


def test_a_race_ends_with_the_run() -> None:
    backend = Scripted()
    there = impatient(backend)
    looks = iter(range(3))

    def wait(job: str, _: float) -> Done:
        if next(looks, None) is None:
            end(there, Interrupted("Ctrl-C"))
        raise NotDoneError("at work")

    backend.waiting = wait
    with pytest.raises(Interrupted):
        there.ask(Probe(), lambda _: None)
    assert backend.cancelled == ["job 1", "job 2"]
    assert there.in_flight == 0


def test_the_winner_is_noted_before_the_loser_is_cancelled() -> None:
    backend = Scripted()
    there, noted = impatient(backend), list[str]()
    backend.waiting = lambda job, timeout_s: done() if job == "job 2" else _raise(NotDoneError("at work"))

    def cancel(job: Job) -> None:
        assert noted == ["job 1", "job 2"]
        backend.cancelled.append(job.id)

    backend.cancel = cancel  # type: ignore[method-assign]
    there.ask(Probe(), lambda sent: noted.append(sent.job.id))
    assert backend.cancelled == ["job 1"]


def test_where_the_first_fails_the_second_is_the_one_to_ask_after() -> None:
    backend, noted = Scripted(), list[str]()
    looks = iter(range(4))

    def wait(job: str, timeout_s: float) -> Done:
        if next(looks, None) is None:
            return done()
        raise NotDoneError("at work") if job == "job 2" or timeout_s else failed()

    first = iter([NotDoneError("at work")])
    backend.waiting = lambda job, timeout_s: _raise(next(first, None)) or wait(job, timeout_s)
    assert impatient(backend).ask(Probe(), lambda sent: noted.append(sent.job.id)) == {"gpu": "NVIDIA L4"}
    assert noted == ["job 1", "job 2"]


def test_a_race_of_jobs_that_never_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    monkeypatch.setattr("framefleet.fleet.execution.jobs.perf_counter", time)
    backend = Scripted(lambda job, timeout_s: _raise(NotDoneError("at work")))
    jobs = Jobs(backend, "yolo", began=0, budget=Budget(None))
    running = [Sent(Job("yolo", name), 0) for name in ("a", "b")]
    with pytest.raises(NotDoneError, match="neither"):
        race(jobs, *running, note=lambda _: None, pause=time.sleep, timeout_s=100)
    assert 100 <= time.now <= 100 + RACE_S


class Forgetful:
    """RunPod's API when it has lost every job."""

    submitted = 0

    def run(self, endpoint_id: str, body: bytes) -> JobStatus:
        self.submitted += 1
        return JobStatus(id=f"job {self.submitted}", status="IN_QUEUE")

    def status(self, endpoint_id: str, job_id: str) -> JobStatus:
        raise JobLostError("no such job")

    cancel = status


def test_two_lost_jobs_are_lost_as_soon_as_they_are_not_fresh() -> None:
    time = Time()
    backend = RunPodBackend(Fleet(endpoints={"yolo": "x"}, api_key=Secret("k")), clock=time, sleep=time.sleep)
    api: Any = Forgetful()
    backend._api, backend._submit = api, api.run
    there = impatient(backend)
    there.scope.sleep = lambda seconds, under_way: time.sleep(seconds)  # type: ignore[method-assign]
    with pytest.raises(JobLostError):
        there.ask(Probe(), lambda _: None)
    assert (api.submitted, time.now < 5) == (2, True)


def _raise(error: FleetError | None) -> Any:
    if error is not None:
        raise error
