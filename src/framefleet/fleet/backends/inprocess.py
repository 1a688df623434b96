"""The backend that runs stages' own handlers in this process, on the embedded models."""

import itertools
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from time import perf_counter
from typing import Any

import msgspec

from framefleet.cancel import CancelScope
from framefleet.errors import (
    FleetError,
    JobFailedError,
    JobLostError,
    NotDoneError,
    from_worker,
)
from framefleet.fleet.backends.base import (
    IN_PROCESS,
    Done,
    Health,
    Job,
    Receipt,
    result_of,
)
from framefleet.stages.base import Handler
from framefleet.timebase import Seconds
from framefleet.worker.serving import NotWanted, ask_here, unless


class LocalBackend:
    """A backend that runs one request at a time: a model uses every core, and two at once would compete for them."""

    capabilities = IN_PROCESS

    def __init__(self, open_handlers: Mapping[str, Callable[[], Handler]]) -> None:
        """Take, for each kind of endpoint, the function that loads its model; each is called at most once."""
        self._open = dict(open_handlers)
        self._handlers: dict[str, Handler] = {}
        self._lane = ThreadPoolExecutor(1, thread_name_prefix="local")
        self._jobs: dict[str, Future[Done]] = {}
        self._unwanted: dict[str, threading.Event] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def submit(self, endpoint: str, request: msgspec.Struct, cancel: CancelScope | None = None) -> Job:
        if cancel is not None:
            cancel.check()
        job, unwanted = Job(endpoint, f"local-{next(self._numbers)}"), threading.Event()
        with self._lock:
            self._jobs[job.id] = self._lane.submit(self._answer, job, request, unwanted)
            self._unwanted[job.id] = unwanted
        return job

    def wait(self, job: Job, timeout_s: Seconds, cancel: CancelScope | None = None) -> Done:
        with self._lock:
            future = self._jobs.get(job.id)
        if future is None:
            raise JobLostError(f"{job.endpoint}: job {job.id} is not known in this process")
        try:
            done = result_of(future, timeout_s, cancel)
        except CancelledError:
            raise JobLostError(f"{job.endpoint}: job {job.id} was cancelled") from None
        except FleetError as error:
            error.receipt = Receipt("local")  # the job is over, whatever came of it
            raise
        except TimeoutError:
            raise NotDoneError(f"{job.endpoint}: no answer within {timeout_s:g} s") from None
        finally:
            if future.done():
                with self._lock:
                    self._jobs.pop(job.id, None)
                    self._unwanted.pop(job.id, None)
        return done

    def cancel(self, job: Job) -> None:
        """Cancel the job; a running handler stops when it next checks for that, or with its answer."""
        with self._lock:
            future, unwanted = self._jobs.get(job.id), self._unwanted.get(job.id)
        if unwanted is not None:
            unwanted.set()
        if future is not None:
            future.cancel()

    def attach(self, endpoint: str, id: str) -> Job:
        return Job(endpoint, id)

    def held_s(self, endpoint: str) -> Seconds:
        return 0.0

    def health(self, endpoint: str) -> Health:
        with self._lock:
            waiting = sum(not future.running() and not future.done() for future in self._jobs.values())
            running = sum(future.running() for future in self._jobs.values())
        return Health(
            jobs={"inQueue": waiting, "inProgress": running},
            workers={"idle": 1 - min(running, 1), "running": min(running, 1)},
        )

    def trouble(self, endpoint: str, in_flight: bool) -> FleetError | None:
        return None

    def close(self) -> None:
        with self._lock:
            for unwanted in self._unwanted.values():
                unwanted.set()
        self._lane.shutdown(wait=False, cancel_futures=True)  # a running model cannot be stopped

    def _answer(self, job: Job, request: msgspec.Struct, unwanted: threading.Event) -> Done:
        began = perf_counter()
        try:
            with unless(unwanted.is_set):
                output = ask_here(self._handler(job.endpoint), request)
        except NotWanted:
            raise JobLostError(f"{job.endpoint}: job {job.id} was cancelled") from None
        except MemoryError:
            raise JobFailedError(
                f"{job.endpoint}: this machine has too little memory", hint="lower --batch-size"
            ) from None
        receipt = Receipt(worker_id="local", execution_ms=(perf_counter() - began) * 1000)
        return Done(_checked(output), receipt)

    def _handler(self, endpoint: str) -> Handler:
        if endpoint not in self._handlers:
            if endpoint not in self._open:
                raise JobLostError(f"{endpoint}: no local handler for this endpoint")
            self._handlers[endpoint] = self._open[endpoint]()
        return self._handlers[endpoint]


def _checked(output: Any) -> Any:
    """Return the output. Raises `FleetError` for `{"error": …}`, which the service too turns into a failed job."""
    if isinstance(output, dict) and isinstance(output.get("error"), str):
        raise from_worker(output["error"])
    return output
