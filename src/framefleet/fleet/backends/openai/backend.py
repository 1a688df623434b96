"""The backend for speech on an OpenAI-compatible transcription API, which has no jobs: each is a call."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import inf
from queue import SimpleQueue
from time import perf_counter

import msgspec

from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Secret
from framefleet.errors import (
    EndpointGoneError,
    FleetError,
    JobLostError,
    NotDoneError,
    RateLimitedError,
    RefusedError,
)
from framefleet.fleet.backends.base import (
    CALLS,
    Done,
    Health,
    Job,
    Receipt,
    result_of,
)
from framefleet.fleet.backends.openai.api import OpenAiApi
from framefleet.fleet.backends.openai.reply import to_output
from framefleet.fleet.backends.rate_limit import RateLimiter
from framefleet.logs import logger
from framefleet.protocol.whisper import WhisperRequest
from framefleet.timebase import Seconds

log = logger(__name__)

MODEL = "whisper-1"


@dataclass(slots=True)
class _Call:
    request: WhisperRequest
    submitted_s: Seconds = field(default_factory=perf_counter)
    began_s: Seconds | None = None
    over: Future[Done] = field(default_factory=Future)


class OpenAiBackend:
    """A backend for `whisper` alone. At most `workers` calls at once, and `rpm` per minute, evenly spaced.

    A job lives in this process: what a crash interrupts is sent, and paid for, again. Its threads are daemons, so that
    a running call does not keep the process from ending.
    """

    capabilities = CALLS

    def __init__(
        self,
        url: str,
        api_key: Secret | None,
        *,
        rpm: float = inf,
        model: str = MODEL,
        workers: int = 4,
        clock: Callable[[], Seconds] = time.monotonic,
        sleep: Callable[[Seconds], None] | None = None,
    ) -> None:
        """Take the `model` for requests that name none. Raises `UsageError` for a URL the key must not be sent to."""
        self._api = OpenAiApi(url, api_key)
        self._model = model
        self._closed = threading.Event()
        self._limiter = RateLimiter(rpm / 60, clock=clock, sleep=sleep or self._sleep)
        self._calls: dict[str, _Call] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._queue: SimpleQueue[_Call | None] = SimpleQueue()
        self._workers = workers
        self._threads = 0

    def submit(self, endpoint: str, request: msgspec.Struct, cancel: CancelScope | None = None) -> Job:
        if endpoint != "whisper":
            raise EndpointGoneError(f"{endpoint}: a transcription API serves whisper alone")
        if not isinstance(request, WhisperRequest):
            raise RefusedError(f"{endpoint}: a transcription API takes sound alone")
        if cancel is not None:
            cancel.check()
        job, call = Job(endpoint, f"api-{next(self._numbers)}"), _Call(request)
        with self._lock:
            self._calls[job.id] = call
            if self._threads < self._workers:
                self._threads += 1
                threading.Thread(target=self._work, name=f"api-{self._threads}", daemon=True).start()
        self._queue.put(call)
        return job

    def wait(self, job: Job, timeout_s: Seconds, cancel: CancelScope | None = None) -> Done:
        with self._lock:
            call = self._calls.get(job.id)
        if call is None:
            raise JobLostError(f"{job.endpoint}: job {job.id} is not known in this process")
        try:
            return result_of(call.over, timeout_s, cancel)
        except TimeoutError:
            raise NotDoneError(f"{job.endpoint}: no answer within {timeout_s:g} s") from None
        finally:
            if call.over.done():
                with self._lock:
                    self._calls.pop(job.id, None)

    def cancel(self, job: Job) -> None:
        """Cancel the job; a call that is running continues, and its response is dropped."""
        with self._lock:
            call = self._calls.get(job.id)
            if call is not None and not call.over.done():
                call.over.set_exception(JobLostError(f"{job.endpoint}: job {job.id} was cancelled"))

    def attach(self, endpoint: str, id: str) -> Job:
        return Job(endpoint, id)

    def held_s(self, endpoint: str) -> Seconds:
        return self._limiter.held_s

    def health(self, endpoint: str) -> Health:
        with self._lock:
            left = [call for call in self._calls.values() if not call.over.done()]
        running = sum(call.began_s is not None for call in left)
        return Health(
            jobs={"inQueue": len(left) - running, "inProgress": running},
            workers={"idle": self._workers - running, "running": running},
        )

    def trouble(self, endpoint: str, in_flight: bool) -> FleetError | None:
        return None

    def close(self) -> None:
        self._closed.set()
        with self._lock:
            left = [call for call in self._calls.values() if not call.over.done()]
            for call in left:
                call.over.set_exception(JobLostError("whisper: the run has ended"))
        for _ in range(self._workers):
            self._queue.put(None)
        self._api.close()

    def _work(self) -> None:
        while (call := self._queue.get()) is not None:
            if call.over.done():
                continue
            self._limiter.acquire()
            if self._closed.is_set():
                return
            if not call.over.done():  # or cancelled while it waited for its turn
                self._answer(call)

    def _answer(self, call: _Call) -> None:
        call.began_s = perf_counter()
        outcome: Done | Exception
        try:
            model = call.request.model or self._model
            content = self._api.transcribe(call.request, model)
            output = to_output(content, model, call.request.duration_s, call.request.language)
            outcome = Done(output, self._receipt(call.submitted_s, call.began_s))
            self._limiter.accepted()
        except FleetError as error:
            if isinstance(error, RateLimitedError):
                self._limiter.refused()
            error.receipt = Receipt("api")  # the job is over, whatever came of it
            outcome = error
        except Exception as error:  # raised again in `wait`
            log.warning("a call of the transcription API failed", exc_info=error)
            outcome = error
        self._settle(call, outcome)

    def _settle(self, call: _Call, outcome: Done | Exception) -> None:
        with self._lock:
            if call.over.done():
                return
            if isinstance(outcome, Done):
                call.over.set_result(outcome)
            else:
                call.over.set_exception(outcome)

    def _receipt(self, submitted_s: Seconds, began_s: Seconds) -> Receipt:
        return Receipt("api", (began_s - submitted_s) * 1000, (perf_counter() - began_s) * 1000)

    def _sleep(self, seconds: Seconds) -> None:
        """Wait, but no longer than until the backend is closed."""
        self._closed.wait(seconds)
