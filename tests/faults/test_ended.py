"""A run that ends hangs on nothing, and loses nothing that it has just ordered."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from framefleet.cancel import CancelScope
from framefleet.errors import Interrupted, StalledError, UnreachableError
from framefleet.fleet.backends.base import Job
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.fleet.backends.runpod.job_api import JobStatus, RunPodApi
from framefleet.fleet.execution.jobs import Jobs
from framefleet.progress import Event, ItemDone
from tests.faults.world import PICTURES, World

pytestmark = pytest.mark.full

ORDERED = 6  # jobs that are being ordered when somebody presses Ctrl-C


@pytest.mark.full
def test_ctrl_c_waits_for_the_ids_of_jobs_that_are_being_ordered(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service has taken them, and done them, before its answers to the orders arrive."""
    there = world()
    slow, awaited, gone, ordered = threading.Event(), threading.Event(), threading.Event(), threading.Semaphore(0)
    submit, cancel_all = RunPodBackend.submit, Jobs.cancel_all

    def slowly(self: RunPodBackend, endpoint: str, request: Any, cancel: CancelScope) -> Job:
        job = submit(self, endpoint, request, cancel)
        if slow.is_set():
            while (there.service.endpoints["yolo-id"].status(job.id) or {}).get("status") != "COMPLETED":
                pass
            ordered.release()
            assert awaited.wait(60)
            if gone.is_set():
                raise SystemExit  # as a process does that has ended: nobody hears the answer
        return job

    def stopping(self: Jobs, also: Any = ()) -> None:
        wait_for = self._changed.wait_for
        self._changed.wait_for = lambda *arguments: awaited.set() or wait_for(*arguments)  # type: ignore[method-assign]
        cancel_all(self, also)

    def interrupt() -> None:
        for _ in range(ORDERED):
            ordered.acquire()
        os.kill(os.getpid(), signal.SIGINT)

    def listen(event: Event) -> None:
        if isinstance(event, ItemDone) and not slow.is_set():
            slow.set()
            threading.Thread(target=interrupt, daemon=True).start()

    with monkeypatch.context() as patch:
        patch.setattr(RunPodBackend, "submit", slowly)
        patch.setattr(Jobs, "cancel_all", stopping)
        with pytest.raises(Interrupted):
            there.run(listen, stages=("objects",))
        gone.set()
        awaited.set()
    there.run(stages=("objects",))
    assert there.executions() == PICTURES
    assert there.most_often() == 1


@pytest.mark.full
def test_a_run_whose_patience_ends_does_not_wait_for_a_job_that_could_not_be_cancelled(
    world: Callable[..., World], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framefleet.fleet.execution.stall.LOOK_S", 0.05)
    monkeypatch.setattr("framefleet.fleet.execution.dispatcher.DRAIN_S", 0.2)
    there = world(min_workers=0)
    there.service.endpoints["yolo-id"].block(throttled=4)
    cancel, deaf = RunPodApi.cancel, list[str]()

    def sometimes(self: RunPodApi, endpoint_id: str, job_id: str) -> JobStatus:
        if not deaf or job_id in deaf:
            deaf.append(job_id)
            raise UnreachableError("the service answered 502")
        return cancel(self, endpoint_id, job_id)

    monkeypatch.setattr(RunPodApi, "cancel", sometimes)
    with pytest.raises(StalledError, match="throttled"):
        there.run(fps=1, stages=("objects",), patience_s=0.5)
    assert len(deaf) > 1
    there.service.endpoints["yolo-id"].block()
    document = there.run(fps=1, stages=("objects",))
    assert (document.failures, there.most_often()) == ([], 1)  # it is asked after, and not anew
