"""What every backend promises, asked of each of them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Any

import pytest

from framefleet.cancel import CancelScope
from framefleet.errors import (
    Advice,
    BudgetError,
    CancelledError,
    FleetError,
    JobFailedError,
    JobLostError,
    NotDoneError,
    OutOfMemoryError,
    RefusedError,
    TooLargeError,
)
from framefleet.fleet.backends.base import CALLS, Backend
from framefleet.fleet.backends.inprocess import LocalBackend
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.protocol.envelope import JpegFrame, JpegFrames
from framefleet.protocol.yolo import YoloRequest
from tests.contracts.pool import PoolBackend
from tests.contracts.transcribing import HAS_NO_SUCH, transcribing


class Worker:
    """A handler whose behaviour a test sets; it says what it was asked and waits when told to."""

    def __init__(self) -> None:
        import threading

        self.asked: list[Any] = []
        self.answer: Callable[[Any], dict[str, Any]] = lambda request: {"echo": request["conf"]}
        self.go = threading.Event()
        self.go.set()

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(job["input"])
        self.go.wait(30)
        return self.answer(job["input"])


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.fixture(params=["local", "runpod", "api", "pool"])
def backend(request: pytest.FixtureRequest, worker: Worker, emulate: Any) -> Iterator[Backend]:
    made: Backend
    if request.param == "api":
        with transcribing(worker) as made:
            yield made
            worker.go.set()
        return
    if request.param == "local":
        made = LocalBackend({"yolo": lambda: worker})
    elif request.param == "pool":
        made = PoolBackend({"yolo": lambda: worker})
    else:
        made = RunPodBackend(emulate(yolo=worker, workers=1).fleet)
    yield made
    worker.go.set()
    made.close()


def ask(conf: float = 0.25) -> YoloRequest:
    return YoloRequest(source=JpegFrames([JpegFrame(0, 0.0, b"\xff\xd8")]), source_width=8, source_height=8, conf=conf)


def test_an_accepted_request_has_an_id_and_its_output_comes_with_a_receipt(backend: Backend) -> None:
    job = backend.submit("yolo", ask(0.5))
    assert job.id
    done = backend.wait(job, 30)
    assert done.output == {"echo": 0.5}
    assert done.receipt.worker_id is not None
    assert done.receipt.execution_ms >= 0


def test_each_job_gets_its_own_output_whatever_the_order_of_waiting(backend: Backend) -> None:
    jobs = [backend.submit("yolo", ask(n / 10)) for n in range(5)]
    assert [backend.wait(job, 30).output["echo"] for job in reversed(jobs)] == [0.4, 0.3, 0.2, 0.1, 0.0]


@pytest.mark.parametrize(
    ("text", "kind", "advice"),
    [
        ("invalid_input: no frames", RefusedError, Advice.GIVE_UP),
        ("model_mismatch: x was asked for", RefusedError, Advice.GIVE_UP),
        ("out_of_memory: 16 pictures", OutOfMemoryError, Advice.SPLIT),
        ("something new: it broke", JobFailedError, Advice.RETRY),
    ],
)
def test_a_workers_error_arrives_as_ours(
    backend: Backend, worker: Worker, text: str, kind: type[FleetError], advice: Advice
) -> None:
    if backend.capabilities is CALLS and kind in HAS_NO_SUCH:
        pytest.skip(f"a transcription API has no {kind.__name__}")
    worker.answer = lambda _: {"error": text}
    with pytest.raises(kind, match=text.partition(": ")[2]) as caught:
        backend.wait(backend.submit("yolo", ask()), 30)
    assert caught.value.advice is advice


def test_waiting_ends_at_the_timeout(backend: Backend, worker: Worker) -> None:
    worker.go.clear()
    job = backend.submit("yolo", ask())
    with pytest.raises(NotDoneError):
        backend.wait(job, 0.05)
    worker.go.set()
    assert backend.wait(job, 30).output == {"echo": 0.25}


def test_a_queued_job_that_is_cancelled_never_runs(backend: Backend, worker: Worker) -> None:
    worker.go.clear()
    first, second = backend.submit("yolo", ask(0.1)), backend.submit("yolo", ask(0.9))
    backend.cancel(second)
    worker.go.set()
    assert backend.wait(first, 30).output == {"echo": 0.1}
    with pytest.raises(FleetError):
        backend.wait(second, 30)
    assert [asked["conf"] for asked in worker.asked] == [0.1]


def test_what_waits_for_a_job_that_is_cancelled_hears_of_it(backend: Backend, worker: Worker) -> None:
    worker.go.clear()
    backend.submit("yolo", ask(0.1))
    second = backend.submit("yolo", ask(0.9))
    with ThreadPoolExecutor(1) as waiting:
        heard = waiting.submit(backend.wait, second, 30)
        backend.cancel(second)
        with pytest.raises(FleetError, match="cancelled") as caught:
            heard.result(30)
        assert caught.value.job_over
        worker.go.set()


def test_cancelling_what_is_over_is_no_error(backend: Backend) -> None:
    job = backend.submit("yolo", ask())
    backend.wait(job, 30)
    backend.cancel(job)


def test_a_job_can_be_attached_to_by_its_id(backend: Backend) -> None:
    job = backend.submit("yolo", ask(0.7))
    assert backend.wait(backend.attach("yolo", job.id), 30).output == {"echo": 0.7}


def test_an_unknown_endpoint_is_an_error_of_ours(backend: Backend) -> None:
    with pytest.raises(FleetError):
        backend.wait(backend.submit("ast", ask()), 30)


def test_health_counts_workers_and_jobs(backend: Backend, worker: Worker) -> None:
    worker.go.clear()
    jobs = [backend.submit("yolo", ask()) for _ in range(3)]
    while not worker.asked:
        pass
    health = backend.health("yolo")
    assert health.jobs["inProgress"] == 1
    assert health.jobs["inQueue"] == 2
    assert health.workers["running"] == 1
    worker.go.set()
    for job in jobs:
        backend.wait(job, 30)


def test_a_scope_that_is_closing_ends_the_waiting_of_its_own_run_alone(backend: Backend, worker: Worker) -> None:
    """Two runs on one backend, one endpoint and even one job."""
    worker.go.clear()
    job = backend.submit("yolo", ask(0.3))
    ended, going_on = CancelScope(), CancelScope()
    with ThreadPoolExecutor(2) as waiting:
        one = waiting.submit(backend.wait, job, 60, ended)
        other = waiting.submit(backend.wait, job, 60, going_on)
        ended.cancel(drain_s=0)
        with pytest.raises(NotDoneError) as caught:
            one.result(30)
        assert not caught.value.job_over
        assert not other.done()
        worker.go.set()
        assert other.result(30).output == {"echo": 0.3}


def test_what_ends_within_the_drain_is_heard(backend: Backend, worker: Worker) -> None:
    worker.go.clear()
    job, scope = backend.submit("yolo", ask(0.3)), CancelScope()
    with ThreadPoolExecutor(1) as waiting:
        heard = waiting.submit(backend.wait, job, 60, scope)
        scope.cancel(drain_s=60)
        worker.go.set()
        assert heard.result(30).output == {"echo": 0.3}


def test_a_cancellation_is_heard_within_the_drain(backend: Backend, worker: Worker) -> None:
    worker.go.clear()
    backend.submit("yolo", ask(0.1))
    job, scope = backend.submit("yolo", ask(0.9)), CancelScope()
    with ThreadPoolExecutor(1) as waiting:
        heard = waiting.submit(backend.wait, job, 60, scope)
        scope.cancel(drain_s=60)
        backend.cancel(job)
        with pytest.raises(FleetError, match="cancelled") as caught:
            heard.result(30)
        assert caught.value.job_over
        worker.go.set()


def test_a_scope_whose_drain_is_endless_cuts_no_waiting_short(backend: Backend, worker: Worker) -> None:
    worker.go.clear()
    job, scope = backend.submit("yolo", ask(0.3)), CancelScope()
    scope.cancel(BudgetError("too dear"), drain_s=inf)
    with pytest.raises(NotDoneError):
        backend.wait(job, 0.05, scope)
    worker.go.set()
    assert backend.wait(job, 60, scope).output == {"echo": 0.3}


def test_nothing_is_sent_for_a_run_that_is_cancelled(backend: Backend, worker: Worker) -> None:
    scope = CancelScope()
    scope.cancel()
    with pytest.raises(CancelledError):
        backend.submit("yolo", ask(0.1), scope)
    backend.wait(backend.submit("yolo", ask(0.2)), 30)
    assert [asked["conf"] for asked in worker.asked] == [0.2]


def test_an_unknown_job_is_lost(worker: Worker, emulate: Any) -> None:
    service = emulate(yolo=worker)
    ticks = iter(range(0, 1000, 2))
    impatient = RunPodBackend(service.fleet, sleep=lambda _: None, clock=lambda: float(next(ticks)))
    with pytest.raises(JobLostError):
        impatient.wait(impatient.attach("yolo", "no-such-job"), 1e9)
    local = LocalBackend({"yolo": lambda: worker})
    with pytest.raises(JobLostError):
        local.wait(local.attach("yolo", "no-such-job"), 1)


def test_runsync_answers_without_a_look_at_the_status_and_takes_twice_the_bytes(worker: Worker, emulate: Any) -> None:
    backend = RunPodBackend(emulate(yolo=worker).fleet, runsync=True)
    large = YoloRequest(
        source=JpegFrames([JpegFrame(0, 0.0, b"x" * 9_000_000)]), source_width=8, source_height=8, conf=0.5
    )
    looks = []
    ask_status = backend._api.status
    backend._api.status = lambda *asked: looks.append(asked) or ask_status(*asked)  # type: ignore[method-assign,func-returns-value]
    job = backend.submit("yolo", large)
    assert backend.wait(job, 30).output == {"echo": 0.5}
    assert looks == []
    assert backend.wait(backend.attach("yolo", job.id), 30).output == {"echo": 0.5}
    with pytest.raises(TooLargeError, match="20 MiB"):
        backend.submit(
            "yolo",
            YoloRequest(source=JpegFrames([JpegFrame(0, 0.0, bytes(17_000_000))]), source_width=8, source_height=8),
        )
