"""The backend that queues jobs on RunPod serverless endpoints over HTTP and polls for their results."""

import time
from collections.abc import Callable
from math import inf

import msgspec

from framefleet.config import Fleet
from framefleet.errors import (
    AuthError,
    EndpointGoneError,
    FleetError,
    JobFailedError,
    JobLostError,
    JobTimeoutError,
    NotDoneError,
    RateLimitedError,
    from_worker,
)
from framefleet.fleet.backend import Done, Health, Job, Receipt
from framefleet.fleet.limits import RateLimiter
from framefleet.fleet.polling import Polling
from framefleet.fleet.retry import AGAIN
from framefleet.fleet.runpod_api import JobStatus, RunPodApi
from framefleet.settings import endpoint_variable
from framefleet.units import Seconds

OVER = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
FRESH_S = 2.0  # a fresh job's status may be 404 for a moment
EXECUTION_TIMEOUT_MS = 600_000
TTL_MS = 3_600_000  # queue and run together; longer than anybody waits, far shorter than RunPod's day
PATIENCE_S = 300.0
LEFT_S = 5.0  # jobs that were to be cancelled are waited for so long, whether the service heard of it or not

# RunPod's own limits, per second and at once (documentation of August 2026), with a tenth to spare.
RUN_RATE, RUN_BURST = 90.0, 180
STATUS_RATE, STATUS_BURST = 180.0, 360
RUNSYNC_RATE, RUNSYNC_BURST = 180.0, 360
CANCEL_RATE, CANCEL_BURST = 9.0, 18


class Policy(msgspec.Struct, frozen=True):
    """Sent with each job, in milliseconds, so that none is run or kept in vain."""

    executionTimeout: int = EXECUTION_TIMEOUT_MS  # noqa: N815 - the service's own names
    ttl: int = TTL_MS


class RunPodBackend:
    """One per run. Raises `AuthError` when there is no key to send.

    With `runsync` a request may be twice as large and a quick answer comes without asking for it, but until then nobody
    knows its job's id, and RunPod keeps the result for a minute only: what a crash interrupts is paid for again.
    """

    name = "runpod"
    lasting = True

    def __init__(
        self,
        fleet: Fleet,
        *,
        policy: Policy = Policy(),
        patience_s: Seconds = PATIENCE_S,
        runsync: bool = False,
        sleep: Callable[[Seconds], None] = time.sleep,
        clock: Callable[[], Seconds] = time.monotonic,
    ) -> None:
        if fleet.api_key is None:
            raise AuthError("RUNPOD_API_KEY is not set; set it, or use --backend local")
        self._ids = dict(fleet.endpoints)
        self._api = RunPodApi(fleet.base_url, fleet.api_key)
        self._policy = policy
        self._patience_s = patience_s
        self._sleep = sleep
        self._clock = clock
        self._polling = {kind: Polling() for kind in self._ids}
        self._submit = self._api.runsync if runsync else self._api.run
        self._early: dict[str, JobStatus] = {}
        self._left_s: dict[str, Seconds] = {}  # when an endpoint was left
        rate, burst = (RUNSYNC_RATE, RUNSYNC_BURST) if runsync else (RUN_RATE, RUN_BURST)
        self._runs = {kind: RateLimiter(rate, burst, clock=clock, sleep=sleep) for kind in self._ids}
        self._statuses = {kind: RateLimiter(STATUS_RATE, STATUS_BURST, clock=clock, sleep=sleep) for kind in self._ids}
        self._cancels = {kind: RateLimiter(CANCEL_RATE, CANCEL_BURST, clock=clock, sleep=sleep) for kind in self._ids}

    def submit(self, endpoint: str, request: msgspec.Struct) -> Job:
        body = msgspec.json.encode({"input": request, "policy": self._policy})
        endpoint_id = self._id(endpoint)
        status = _limited(self._runs[endpoint], lambda: self._submit(endpoint_id, body))
        if not status.id:
            raise JobFailedError(f"{endpoint}: the service accepted the request but gave no job id")
        if status.status in OVER:
            self._early[status.id] = status
        return Job(endpoint, status.id, self._clock())

    def wait(self, job: Job, timeout_s: Seconds) -> Done:
        began = self._clock()
        polling, trouble = self._polling[job.endpoint], None
        while True:
            waited = self._clock() - began
            try:
                status = self._poll(job, fresh=self._clock() - job.since_s < FRESH_S)
                trouble = None
            except FleetError as error:
                trouble = waited if trouble is None else trouble
                if not _passing(error) or waited - trouble >= self._patience_s:
                    raise
                status = JobStatus(status="not known")
            if status.status == "COMPLETED":
                polling.finished(waited)
                return Done(status.output, _receipt(status))
            if status.status in OVER:
                raise failure(job, status)
            if self._clock() - self._left_s.get(job.endpoint, inf) >= LEFT_S:
                raise NotDoneError(f"{job.endpoint}: job {job.id} is {status.status}; it is not waited for any more")
            if waited >= timeout_s:
                raise NotDoneError(f"{job.endpoint}: job {job.id} is {status.status} after {timeout_s:g} s")
            self._sleep(min(polling.interval(waited), timeout_s - waited))

    def cancel(self, job: Job) -> None:
        endpoint_id = self._id(job.endpoint)
        try:
            _limited(self._cancels[job.endpoint], lambda: self._api.cancel(endpoint_id, job.id))
        except JobLostError:
            return

    def leave(self, endpoint: str) -> None:
        self._left_s.setdefault(endpoint, self._clock())

    def attach(self, endpoint: str, id: str) -> Job:
        return Job(endpoint, id, self._clock())

    def health(self, endpoint: str) -> Health:
        reply = self._api.health(self._id(endpoint))
        return Health(reply.jobs, reply.workers)

    def close(self) -> None:
        self._api.close()

    def _id(self, endpoint: str) -> str:
        if endpoint not in self._ids:
            raise EndpointGoneError(f"no {endpoint} endpoint is set; set {endpoint_variable(endpoint)}")
        return self._ids[endpoint]

    def _poll(self, job: Job, *, fresh: bool) -> JobStatus:
        early = self._early.pop(job.id, None)
        if early is not None:
            return early
        endpoint_id = self._id(job.endpoint)
        try:
            return _limited(self._statuses[job.endpoint], lambda: self._api.status(endpoint_id, job.id))
        except JobLostError:
            if fresh:
                return JobStatus(id=job.id, status="IN_QUEUE")
            raise


def failure(job: Job, status: JobStatus) -> FleetError:
    """The error that a job which ended without output stands for, with its receipt: it was paid for all the same."""
    error = _failure(job, status)
    error.receipt = _receipt(status)
    return error


def _failure(job: Job, status: JobStatus) -> FleetError:
    if status.status == "TIMED_OUT":
        return JobTimeoutError(f"{job.endpoint}: job {job.id} ran longer than the endpoint allows")
    if status.status == "CANCELLED":
        return JobFailedError(f"{job.endpoint}: job {job.id} was cancelled")
    return from_worker(_text(status.error) or _text(status.output) or f"job {job.id} failed without a reason")


def _limited(limiter: RateLimiter, call: Callable[[], JobStatus]) -> JobStatus:
    limiter.acquire()
    try:
        status = call()
    except RateLimitedError:
        limiter.refused()
        raise
    limiter.accepted()
    return status


def _passing(error: FleetError) -> bool:
    """Whether asking for the status again may do: the network is away, or it answered nonsense."""
    return error.advice in AGAIN and not isinstance(error, JobLostError)


def _text(error: object) -> str:
    """The line in what a failed job carries: text, text that is JSON itself, or a dict; empty where it says nothing."""
    if isinstance(error, str):
        try:
            inner = msgspec.json.decode(error)
        except msgspec.DecodeError:
            return error.strip()
        return _text(inner) if isinstance(inner, dict) else error.strip()
    if isinstance(error, dict):
        for key in ("error", "error_message", "message"):
            if isinstance(error.get(key), str):
                return str(error[key]).strip()
    return ""


def _receipt(status: JobStatus) -> Receipt:
    return Receipt(status.workerId, status.delayTime or 0, status.executionTime or 0)
