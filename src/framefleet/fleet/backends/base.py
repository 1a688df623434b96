"""The one seam between a run and what answers its requests."""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import msgspec

from framefleet.cancel import CancelScope
from framefleet.errors import FleetError
from framefleet.stages.base import Capabilities
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class Job:
    """An accepted request. `endpoint` is the kind ("yolo"), `id` the service's own name for it.

    `since_s` is when this process learned of it, by the backend's clock.
    """

    endpoint: str
    id: str
    since_s: Seconds = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The service's figures of how a job went; milliseconds as it counts them."""

    worker_id: str | None = None
    delay_ms: float = 0
    execution_ms: float = 0


@dataclass(frozen=True, slots=True)
class Done:
    """A job's output, not yet checked, and its receipt."""

    output: Any
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Health:
    """Jobs and workers by state, as the service counts them.

    `transfers` is how many requests and replies this process has been sending or receiving for a while.
    """

    jobs: dict[str, int]
    workers: dict[str, int]
    transfers: int = 0


Answered = TypeVar("Answered")

IN_PROCESS = Capabilities(
    remote=False, durable=False, billed=False, probed=False, transports=("pixels", "samples", "jpeg_frames", "flac")
)
CALLS = Capabilities(remote=True, durable=False, billed=False, probed=False)
JOB_QUEUE = Capabilities(remote=True, durable=True, billed=True, probed=True)


class Backend(Protocol):
    """Safe to call from many threads, and for several runs at once. Every method raises `FleetError`, whose `advice`
    says what to do.

    `cancel` is the scope of the calling run, and ends that run's calls alone; without it none is cut short.
    """

    capabilities: Capabilities

    def submit(self, endpoint: str, request: msgspec.Struct, cancel: CancelScope | None = None) -> Job:
        """Send the request, and return its job as soon as the service has accepted it.

        Raises the reason of `cancel` if it is cancelled before anything is sent; afterwards the id is waited for.
        """

    def wait(self, job: Job, timeout_s: Seconds, cancel: CancelScope | None = None) -> Done:
        """Return the job's output, or raise the error it ended with. Raises `NotDoneError` after `timeout_s`.

        Once `cancel` is closing, the job is still waited for until the drain ends, then `NotDoneError` is raised.
        Nothing is cancelled at the service.
        """

    def cancel(self, job: Job) -> None:
        """Request that the job not run, or stop. No error if it is already over."""

    def attach(self, endpoint: str, id: str) -> Job:
        """Return the job with this id, which was submitted earlier, perhaps by another process."""

    def health(self, endpoint: str) -> Health: ...

    def held_s(self, endpoint: str) -> Seconds:
        """Return how long calls about its jobs waited in total, so as to respect the service's rates."""

    def trouble(self, endpoint: str, in_flight: bool) -> FleetError | None:
        """Return the error of the last call about a job, or if none is `in_flight`, of the last submit; else None."""

    def close(self) -> None: ...


def result_of(future: "Future[Answered]", timeout_s: Seconds, cancel: CancelScope | None) -> Answered:
    """Return the result of a job of this process, as `Backend.wait` does.

    Raises `TimeoutError` if it is not done, and the error that it failed with.
    """
    if cancel is not None:
        woken = threading.Event()
        future.add_done_callback(lambda _: woken.set())
        with cancel.on_cancel(woken.set, under_way=True):
            woken.wait(min(timeout_s, threading.TIMEOUT_MAX))
        timeout_s = min(timeout_s, cancel.drain_left_s) if cancel.closing else 0
    return future.result(timeout_s)
