"""Each fault alone, at a rate of 1: that it happens; and that the same seed makes the same ones."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from framefleet.emulator.app import EmulatedEndpoint, make_endpoint
from framefleet.emulator.faults import (
    ENDINGS,
    OF_JOBS,
    OF_REQUESTS,
    Fault,
    Faults,
)
from framefleet.emulator.pool import EmulatedWorker
from framefleet.emulator.queue import QueuedJob
from framefleet.emulator.runners import InThread
from framefleet.emulator.serve import Service
from framefleet.emulator.workers import WorkerThreads
from framefleet.errors import UsageError

from .bare import Bare

KEY = "a-key"
AUTH = {"Authorization": f"Bearer {KEY}"}
FRAMES = [{"index": n, "time_s": float(n)} for n in range(5)]
Handler = Callable[[dict[str, Any]], dict[str, Any]]
Make = Callable[..., tuple[str, EmulatedEndpoint]]


@pytest.fixture
def served() -> Iterator[Make]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(faults: str, **settings: Any) -> tuple[str, EmulatedEndpoint]:
            def handler(job: dict[str, Any]) -> dict[str, Any]:
                return {"frames": FRAMES}

            endpoint = make_endpoint(handler, 1, faults=Faults.parse(faults), **settings)
            service = stack.enter_context(Service({"yolo": endpoint}, KEY))
            return f"{service.base_url}/yolo", endpoint

        yield start


def work(endpoint: Bare, handler: Handler) -> None:
    """What the first worker's thread does with one job."""
    WorkerThreads(endpoint, lambda: InThread(handler)).work(endpoint.hired[0], InThread(handler), endpoint.begin())


def run(url: str, input: Any = 1) -> requests.Response:
    return requests.post(f"{url}/run", json={"input": input}, headers=AUTH, timeout=10)


@pytest.mark.parametrize(("fault", "status"), [("429", 429), ("500", 500), ("502", 502)])
def test_a_refused_request_does_nothing(served: Make, fault: str, status: int) -> None:
    url, endpoint = served(f"{fault}=1")
    assert run(url).status_code == status
    assert endpoint.health()["jobs"]["inQueue"] == 0
    assert not endpoint.ledger.executions


@pytest.mark.parametrize(("method", "route"), [("GET", "health"), ("GET", "status/x"), ("POST", "cancel/x")])
def test_every_operation_can_fail(served: Make, method: str, route: str) -> None:
    url, _ = served("502=1")
    assert requests.request(method, f"{url}/{route}", headers=AUTH, timeout=10).status_code == 502


def test_a_connection_cut_before_acceptance_does_nothing(served: Make) -> None:
    url, endpoint = served("drop_before=1")
    with pytest.raises(requests.ConnectionError):
        run(url)
    assert sum(endpoint.health()["jobs"].values()) == 0


def test_a_connection_cut_after_acceptance_leaves_the_job_running(served: Make) -> None:
    url, endpoint = served("drop_after=1")
    with pytest.raises(requests.ConnectionError):
        run(url)
    assert sum(endpoint.health()["jobs"].values()) == 1


def test_a_garbled_answer_is_no_answer_though_the_job_was_accepted(served: Make) -> None:
    url, endpoint = served("garbage=1")
    answers = [run(url, n) for n in range(12)]
    assert {answer.status_code for answer in answers} == {200}
    assert sum(endpoint.health()["jobs"].values()) == 12
    assert len({answer.content for answer in answers}) > 2
    for answer in answers:
        with pytest.raises((ValueError, TypeError, KeyError, AssertionError)):
            assert isinstance(answer.json()["id"], str)


def test_a_request_executed_twice_answers_once() -> None:
    endpoint, calls = Bare(faults="twice=1"), list[Any]()
    id = endpoint.add({"source": {"frames": [{"time_s": 2.0, "jpeg": "x"}]}})
    work(endpoint, lambda job: {"call": calls.append(job)})
    assert len(calls) == 2
    assert endpoint.output(id) == {"call": None}
    assert endpoint.health()["jobs"]["completed"] == 1
    assert list(endpoint.ledger.per_input().values()) == [2]
    assert [(unit.time_s, times) for unit, times in endpoint.ledger.per_unit().items()] == [(2.0, 2)]


def test_a_fresh_job_is_unknown_for_a_moment() -> None:
    endpoint = Bare(faults="fresh=1")
    id = endpoint.add()
    assert endpoint.state(id) is None
    endpoint.hand.now += 0.6
    assert endpoint.state(id) == "IN_QUEUE"


def test_a_lost_job_is_accepted_never_executed_and_then_unknown() -> None:
    endpoint = Bare(faults="lost=1")
    id = endpoint.add()
    assert endpoint.state(id) == "IN_QUEUE"
    assert endpoint.take_any() is None
    assert endpoint.state(id) is None


@pytest.mark.parametrize(
    ("fault", "state"), [("failed", "FAILED"), ("timed_out", "TIMED_OUT"), ("no_output", "COMPLETED")]
)
def test_a_job_that_ran_ends_badly(fault: str, state: str) -> None:
    endpoint = Bare(faults=f"{fault}=1")
    id = endpoint.add()
    endpoint.finish(endpoint.begin())
    told = endpoint.status(id)
    assert told is not None
    assert told["status"] == state
    assert "output" not in told
    assert ("error" in told) == (state != "COMPLETED")


def test_half_of_the_frames_are_missing() -> None:
    endpoint = Bare(faults="half=1")
    ids = [endpoint.add(), endpoint.add()]
    endpoint.finish(endpoint.begin(), {"frames": FRAMES, "model": "m"})
    endpoint.finish(endpoint.begin(), {"segments": []})
    assert endpoint.output(ids[0]) == {"frames": FRAMES[:2], "model": "m"}
    assert endpoint.output(ids[1]) == {"segments": []}


def test_a_result_as_if_too_large_is_lost_in_one_of_two_ways() -> None:
    endpoint = Bare(faults="too_large=1")
    ids = [endpoint.add() for _ in range(20)]
    for _ in ids:
        endpoint.finish(endpoint.begin())
    assert {endpoint.state(id) for id in ids} == {"COMPLETED", "FAILED"}
    assert all(endpoint.output(id) is None for id in ids)


def test_a_killed_workers_job_goes_back_to_the_queue_once_or_is_lost() -> None:
    endpoint = Bare(faults="killed=1", most=1)
    ids = [endpoint.add() for _ in range(20)]
    while (task := endpoint.take_any()) is not None:
        endpoint.finish(task)
    ends = [endpoint.state(id) for id in ids]
    assert set(ends) == {"COMPLETED", None}
    assert len(endpoint.hired) == 20 + 1, "each kill costs a worker"
    assert endpoint.health()["jobs"]["retried"] == ends.count("COMPLETED")


@pytest.mark.parametrize("faults", ["slow=1,slow_factor=10", "slow_workers=1,slow_factor=10"])
def test_a_slow_job_takes_longer_by_the_factor(faults: str) -> None:
    class Lingering(Bare):
        def linger(self, worker: EmulatedWorker, job: QueuedJob, seconds: float) -> None:
            self.hand.now += seconds

    def handler(job: dict[str, Any]) -> dict[str, Any]:
        endpoint.hand.now += 2
        return {}

    endpoint = Lingering(faults=faults)
    id = endpoint.add()
    work(endpoint, handler)
    told = endpoint.status(id)
    assert told is not None
    assert told["executionTime"] == 20_000


def test_only_so_many_workers_are_slow() -> None:
    endpoint = Bare(least=3, most=3, faults="slow_workers=2,slow_factor=10")
    assert [worker.slot < endpoint.faults.slow_workers for worker in endpoint.hired] == [True, True, False]


def test_nobody_lingers_over_a_cancelled_job() -> None:
    endpoint = Bare()
    id = endpoint.add()
    task = endpoint.begin()
    endpoint.cancel(id)
    endpoint.linger(endpoint.hired[0], task.job, 1e6)


def decisions(seed: int) -> list[Any]:
    faults = Faults.parse(f"all=0.3,seed={seed}")
    return [(faults.of_request(f"run/{n % 40}"), faults.of_job(f"{n % 40}")) for n in range(200)]


def test_the_same_seed_gives_the_same_faults_and_another_others() -> None:
    assert decisions(1) == decisions(1)
    assert decisions(1) != decisions(2)


def test_the_order_of_arrival_changes_nothing() -> None:
    one, other = Faults.parse("all=0.3"), Faults.parse("all=0.3")
    names = [str(n) for n in range(100)]
    assert {n: one.of_job(n) for n in names} == {n: other.of_job(n) for n in reversed(names)}


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_happens_as_often_as_it_should(fault: Fault) -> None:
    faults = Faults({fault: 0.3}, seed=7)
    for n in range(1000):
        faults.of_request(f"run/{n}")
        faults.of_job(f"{n}")
    assert 240 < faults.struck[fault] < 360
    assert sum(faults.struck.values()) == faults.struck[fault]


def test_a_job_has_one_ending_at_most() -> None:
    faults = Faults.parse("all=0.9")
    assert all(len(faults.of_job(f"{n}") & set(ENDINGS)) <= 1 for n in range(100))
    assert set(OF_REQUESTS) | set(OF_JOBS) == set(Fault)


def test_faults_as_text() -> None:
    faults = Faults.parse(" all=0.05, lost=0,seed=3,slow_factor=4,slow_workers=2")
    assert faults.rates == {fault: 0.05 for fault in Fault if fault is not Fault.LOST}
    assert (faults.seed, faults.slow_factor, faults.slow_workers) == (3, 4.0, 2)
    assert not Faults.parse("").possible


@pytest.mark.parametrize("text", ["lots=0.1", "429", "429=much", "429=1.5", "429=-1", "seed=nan", "429=inf", "all=2"])
def test_what_is_no_list_of_faults_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--faults"):
        Faults.parse(text)
