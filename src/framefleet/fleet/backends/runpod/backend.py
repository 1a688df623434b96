"""The backend that queues jobs on RunPod serverless endpoints over HTTP and polls for their results."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from math import inf

import msgspec

from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Fleet
from framefleet.config.settings import endpoint_variable
from framefleet.errors import (
    AuthError,
    BadReplyError,
    EndpointGoneError,
    FleetError,
    JobFailedError,
    JobLostError,
    JobTimeoutError,
    NotDoneError,
    RateLimitedError,
    RefusedError,
    TooLargeError,
    UnreachableError,
    from_worker,
)
from framefleet.fleet.backends.base import (
    JOB_QUEUE,
    Done,
    Health,
    Job,
    Receipt,
)
from framefleet.fleet.backends.rate_limit import RateLimiter
from framefleet.fleet.backends.runpod.job_api import JobStatus, RunPodApi
from framefleet.fleet.execution.retry import AGAIN
from framefleet.logs import logger
from framefleet.timebase import Seconds

SHORTEST_S = 0.02
LONGEST_S = 2.0
OVERDUE_S, OVERDUE_TIMES, OTHERS = 120.0, 20.0, 3  # our choices: a model that loads late takes a minute
_EARLY = 0.8  # the first poll comes when four fifths of the usual time have passed
_SHARE = 0.12  # later ones when the time waited has grown by an eighth: at most that much is lost
_WEIGHT = 0.2


class Polling:
    """When to poll the jobs of one endpoint. Safe to call from many threads."""

    def __init__(self) -> None:
        self._usual: Seconds | None = None
        self._count = 0
        self._lock = threading.Lock()

    def finished(self, took_s: Seconds) -> None:
        """Record that a job was found over, done or failed, `took_s` after it was submitted."""
        with self._lock:
            self._count += 1
            self._usual = took_s if self._usual is None else (1 - _WEIGHT) * self._usual + _WEIGHT * took_s

    def interval(self, waited_s: Seconds) -> Seconds:
        """Return the seconds until the next poll of a job submitted `waited_s` ago."""
        until_usual = _EARLY * self._usual - waited_s if self._usual is not None else 0.0
        return min(max(SHORTEST_S, _SHARE * waited_s, until_usual), LONGEST_S)

    @property
    def count(self) -> int:
        """The number of jobs that were found over."""
        return self._count

    def overdue(self, waited_s: Seconds, since: int) -> bool:
        """Return whether a job has run so much longer than others that its worker may have lost it.

        `since` is the `count` when it was first seen running.
        """
        with self._lock:
            usual_s = self._usual or 0.0
            return self._count - since >= OTHERS and waited_s >= max(OVERDUE_S, OVERDUE_TIMES * usual_s)


log = logger(__name__)

OVER = frozenset({"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"})
RAN = OVER - {"CANCELLED"}
FRESH_S = 2.0  # a job's status may be 404 for a moment: it was just accepted, or a proxy's page answered
UNREAD_TRIES = 3  # polls of a job that is over and whose answer cannot be read, until it is sent again
STUCK_S = 30.0  # a job is running, and by the endpoint's health no worker is: health may lag behind that long
OVERRUN_S = 60.0  # beyond executionTimeout, after which the service itself should have ended the job
REFUSALS, REFUSED_S = 3, 10.0  # so many in a row, over so long, until a key that was valid counts as revoked
EXECUTION_TIMEOUT_MS = 600_000
TTL_MS = 3_600_000  # queue and run together; longer than any run waits, far shorter than RunPod's day
PATIENCE_S = 300.0
CLOSING_S = 0.25  # between two polls of a job whose run is cancelled: the user wants to leave

# RunPod's own limits, per second and at once (documentation of August 2026), with a tenth to spare.
RUN_RATE, RUN_BURST = 90.0, 180
STATUS_RATE, STATUS_BURST = 180.0, 360
RUNSYNC_RATE, RUNSYNC_BURST = 180.0, 360
CANCEL_RATE, CANCEL_BURST = 9.0, 18


class Policy(msgspec.Struct, frozen=True):
    """The limits sent with each job, in milliseconds, so that none is run or kept in vain."""

    executionTimeout: int = EXECUTION_TIMEOUT_MS  # noqa: N815 - the service's own names
    ttl: int = TTL_MS


class RunPodBackend:
    """The backend of RunPod's job queue. Raises `AuthError` if no key is set.

    With `runsync` a request may be twice as large and a quick answer needs no polling, but until it comes the job's id
    is not known, and RunPod keeps the result for a minute only: what a crash interrupts is paid for again.
    """

    capabilities = JOB_QUEUE

    def __init__(
        self,
        fleet: Fleet,
        *,
        policy: Policy = Policy(),
        patience_s: Seconds = PATIENCE_S,
        runsync: bool = False,
        sleep: Callable[[Seconds], None] | None = None,
        clock: Callable[[], Seconds] = time.monotonic,
    ) -> None:
        if fleet.api_key is None:
            raise AuthError("RUNPOD_API_KEY is not set", hint="set it, or use --backend local")
        self._ids = dict(fleet.endpoints)
        self._api = RunPodApi(fleet.base_url, fleet.api_key)
        self._policy = policy
        self._patience_s = patience_s
        self._sleep = sleep
        self._clock = clock
        self._polling = {kind: Polling() for kind in self._ids}
        self._lines = {kind: _EndpointCalls(patience_s, clock) for kind in self._ids}
        self._none_runs_since = dict.fromkeys(self._ids, inf)  # since when health reports no running worker
        self._progress: dict[str, tuple[Seconds, int]] = {}  # running jobs: since when, and how many were over by then
        self._missing: dict[str, Seconds] = {}  # jobs whose status is 404: since when
        self._unread: Counter[str] = Counter()  # polls of jobs that are over and whose answer could not be read
        self._submit = self._api.runsync if runsync else self._api.run
        self._early: dict[str, JobStatus] = {}
        rate, burst = (RUNSYNC_RATE, RUNSYNC_BURST) if runsync else (RUN_RATE, RUN_BURST)

        def limiters(rate: float, burst: int) -> dict[str, RateLimiter]:
            share, at_once = rate / fleet.share, max(1, burst // fleet.share)
            return {kind: RateLimiter(share, at_once, clock=clock, sleep=sleep) for kind in self._ids}

        self._runs = limiters(rate, burst)
        self._statuses = limiters(STATUS_RATE, STATUS_BURST)
        self._cancels = limiters(CANCEL_RATE, CANCEL_BURST)

    def submit(self, endpoint: str, request: msgspec.Struct, cancel: CancelScope | None = None) -> Job:
        body = msgspec.json.encode({"input": request, "policy": self._policy})
        endpoint_id = self._id(endpoint)
        line = self._lines[endpoint]
        status = line.call("run", self._runs[endpoint], lambda: self._submit(endpoint_id, body), cancel)
        if not status.id:
            told = _text(status.error)
            raise JobFailedError(f"{endpoint}: the service returned no job id" + (f": {told}" if told else ""))
        if status.status in OVER:
            self._early[status.id] = status
        return Job(endpoint, status.id, self._clock())

    def wait(self, job: Job, timeout_s: Seconds, cancel: CancelScope | None = None) -> Done:
        cancel, began = cancel or CancelScope(), self._clock()
        polling, trouble = self._polling[job.endpoint], None
        while True:
            waited = self._clock() - began
            try:
                status = self._poll(job)
                trouble = None
            except FleetError as error:
                log.info("%s: job %s: its status is not known: %s", job.endpoint, job.id, error)
                trouble = waited if trouble is None else trouble
                if not _passing(error) or waited - trouble >= self._patience_s:
                    raise
                status = JobStatus(status="not known")
            self._unread[job.id] += status.unread is not None
            if status.status in OVER and (status.unread is None or self._unread[job.id] >= UNREAD_TRIES):
                self._forget(job)
                if status.status in RAN:
                    polling.finished(waited)
                if status.status == "COMPLETED" and status.unread is None:
                    return Done(status.output, _receipt(status))
                raise failure(job, status)
            self._check_at_work(job, status.status)
            if cancel.drain_left_s <= 0:
                raise NotDoneError(f"{job.endpoint}: job {job.id} is {status.status} at the end of the run")
            if waited >= timeout_s:
                raise NotDoneError(f"{job.endpoint}: job {job.id} is {status.status} after {timeout_s:g} s")
            self._pause(min(polling.interval(waited), timeout_s - waited), cancel)

    def cancel(self, job: Job) -> None:
        endpoint_id = self._id(job.endpoint)
        try:
            self._lines[job.endpoint].call(
                "cancel", self._cancels[job.endpoint], lambda: self._api.cancel(endpoint_id, job.id)
            )
        except JobLostError as error:
            log.debug("%s: %s", job.endpoint, error)
            return

    def attach(self, endpoint: str, id: str) -> Job:
        return Job(endpoint, id, self._clock())

    def held_s(self, endpoint: str) -> Seconds:
        return self._runs[endpoint].held_s + self._statuses[endpoint].held_s

    def health(self, endpoint: str) -> Health:
        reply = self._api.health(self._id(endpoint))
        none_runs = reply.workers.get("running") == 0
        self._none_runs_since[endpoint] = min(self._none_runs_since[endpoint], self._clock()) if none_runs else inf
        return Health(reply.jobs, reply.workers, self._api.transfers)

    def trouble(self, endpoint: str, in_flight: bool) -> FleetError | None:
        return self._lines[endpoint].trouble("status" if in_flight else "run")

    def close(self) -> None:
        self._api.close()

    def _id(self, endpoint: str) -> str:
        if endpoint not in self._ids:
            raise EndpointGoneError(f"no {endpoint} endpoint is set", hint=f"set {endpoint_variable(endpoint)}")
        return self._ids[endpoint]

    def _pause(self, seconds: Seconds, cancel: CancelScope) -> None:
        """Wait between two polls of a job."""
        if self._sleep is not None:
            self._sleep(seconds)
        elif cancel.closing:
            time.sleep(min(seconds, CLOSING_S))
        else:
            cancel.wait(seconds, under_way=True)

    def _poll(self, job: Job) -> JobStatus:
        early = self._early.pop(job.id, None)
        if early is not None:
            return early
        endpoint_id = self._id(job.endpoint)
        try:
            status = self._lines[job.endpoint].call(
                "status", self._statuses[job.endpoint], lambda: self._api.status(endpoint_id, job.id)
            )
        except JobLostError:
            missing_since = self._missing.setdefault(job.id, self._clock())
            if self._clock() - missing_since < FRESH_S:
                return JobStatus(id=job.id, status="IN_QUEUE")
            self._forget(job)
            raise
        self._missing.pop(job.id, None)
        return status

    def _forget(self, job: Job) -> None:
        """Forget a job that is over."""
        for known in (self._progress, self._missing, self._unread):
            known.pop(job.id, None)

    def _check_at_work(self, job: Job, state: str) -> None:
        """Raise `JobLostError` for a job that is reported as running although no worker can have it any more.

        Such a job is left behind when a worker's last progress update arrives after its result. It is cancelled first,
        in case a worker has it after all.
        """
        if state != "IN_PROGRESS":
            if state == "IN_QUEUE":
                self._progress.pop(job.id, None)
            return
        now, polling = self._clock(), self._polling[job.endpoint]
        since, others = self._progress.setdefault(job.id, (now, polling.count))
        idle_s = now - max(since, self._none_runs_since[job.endpoint])
        overran = now - since >= (self._policy.executionTimeout / 1000) + OVERRUN_S
        if idle_s < min(STUCK_S, self._patience_s / 4) and not overran and not polling.overdue(now - since, others):
            return
        self._forget(job)
        log.info("%s: job %s is reported as running, but no worker has it", job.endpoint, job.id)
        try:
            self.cancel(job)
        except FleetError as error:
            log.info("%s: job %s cannot be cancelled", job.endpoint, job.id, exc_info=error)
        raise JobLostError(f"{job.endpoint}: job {job.id} is reported as running, but no worker has it any more")


class _EndpointCalls:
    """The calls to one endpoint: their rate limits, and the last error by kind of call.

    A key or an endpoint that was good is not given up for one refusal, which may be the page of a proxy in between.
    """

    def __init__(self, patience_s: Seconds, clock: Callable[[], Seconds]) -> None:
        self._longest_s = patience_s / 4  # that a call is delayed because the service asks for it
        self._clock = clock
        self._lock = threading.Lock()
        self._trouble: dict[str, FleetError] = {}
        self._good = False
        self._refused = 0
        self._refused_since = 0.0

    def call(
        self, kind: str, limiter: RateLimiter, call: Callable[[], JobStatus], cancel: CancelScope | None = None
    ) -> JobStatus:
        """Make the call in its turn. Raises the reason of `cancel` if that is cancelled before."""
        limiter.acquire(cancel)
        try:
            status = call()
        except FleetError as error:
            if isinstance(error, RateLimitedError):
                limiter.refused(min(error.after_s, self._longest_s))
            raise self._met(kind, error) from None
        limiter.accepted()
        with self._lock:
            self._good, self._refused = True, 0
            self._trouble.pop(kind, None)
        return status

    def trouble(self, kind: str) -> FleetError | None:
        with self._lock:
            return self._trouble.get(kind)

    def _met(self, kind: str, error: FleetError) -> FleetError:
        with self._lock:
            if isinstance(error, AuthError | EndpointGoneError):
                error = self._refusal(error)
            if not isinstance(error, JobLostError | TooLargeError | RefusedError):
                self._trouble[kind] = error
            return error

    def _refusal(self, error: FleetError) -> FleetError:
        now = self._clock()
        self._refused_since = self._refused_since if self._refused else now
        self._refused += 1
        if not self._good or (self._refused >= REFUSALS and now - self._refused_since >= REFUSED_S):
            return error
        return UnreachableError(f"{error.message}; it worked before, so the call is repeated", hint=error.hint)


def failure(job: Job, status: JobStatus) -> FleetError:
    """Return the error of a job that ended without output, with its receipt, since it was paid for all the same."""
    error = _failure(job, status)
    error.receipt = _receipt(status)
    return error


def _failure(job: Job, status: JobStatus) -> FleetError:
    if status.unread is not None and status.status == "COMPLETED":
        return BadReplyError(f"{job.endpoint}: the output of a job cannot be read: {status.unread}")
    if status.status == "TIMED_OUT":
        return JobTimeoutError(f"{job.endpoint}: job {job.id} ran longer than the endpoint allows")
    if status.status == "CANCELLED":
        return JobFailedError(f"{job.endpoint}: job {job.id} was cancelled")
    return from_worker(_text(status.error) or _text(status.output) or f"job {job.id} failed without a reason")


def _passing(error: FleetError) -> bool:
    """Return whether another poll may succeed: the network is down, or the response made no sense."""
    return error.advice in AGAIN and not isinstance(error, JobLostError)


def _text(error: object) -> str:
    """Return the message of a failed job, which comes as text, JSON in text, or a dict; empty if there is none."""
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
