"""The backend that queues jobs on RunPod serverless endpoints over HTTP and polls for their results."""

import time
from collections.abc import Callable, Iterator

import msgspec

from framefleet.config import Fleet
from framefleet.errors import AuthError, EndpointGoneError, JobFailedError, JobLostError, JobTimeoutError, from_worker
from framefleet.fleet.backend import Done, Health, Job, Receipt
from framefleet.fleet.runpod_api import JobStatus, RunPodApi
from framefleet.units import Seconds

FIRST_POLL_S = 0.05
LONGEST_POLL_S = 2.0
FRESH_S = 5.0  # a fresh job's status may be 404 for a moment


class RunPodBackend:
    """One per run. Raises `AuthError` when there is no key to send."""

    name = "runpod"

    def __init__(
        self,
        fleet: Fleet,
        *,
        sleep: Callable[[Seconds], None] = time.sleep,
        clock: Callable[[], Seconds] = time.monotonic,
    ) -> None:
        if fleet.api_key is None:
            raise AuthError("RUNPOD_API_KEY is not set; set it, or use --backend local")
        self._ids = dict(fleet.endpoints)
        self._api = RunPodApi(fleet.base_url, fleet.api_key)
        self._sleep = sleep
        self._clock = clock

    def submit(self, endpoint: str, request: msgspec.Struct) -> Job:
        body = msgspec.json.encode({"input": request})
        status = self._api.run(self._id(endpoint), body)
        if not status.id:
            raise JobFailedError(f"{endpoint}: the service accepted the request but gave no job id")
        return Job(endpoint, status.id)

    def wait(self, job: Job, timeout_s: Seconds) -> Done:
        began = self._clock()
        for interval in _intervals():
            status = self._poll(job, fresh=self._clock() - began < FRESH_S)
            if status.status == "COMPLETED":
                return Done(status.output, _receipt(status))
            if status.status in {"FAILED", "CANCELLED", "TIMED_OUT"}:
                raise failure(job, status)
            if self._clock() - began + interval > timeout_s:
                raise JobTimeoutError(f"{job.endpoint}: job {job.id} is still {status.status} after {timeout_s:g} s")
            self._sleep(interval)
        raise AssertionError("polling never ends by itself")

    def cancel(self, job: Job) -> None:
        try:
            self._api.cancel(self._id(job.endpoint), job.id)
        except JobLostError:
            return

    def attach(self, endpoint: str, id: str) -> Job:
        return Job(endpoint, id)

    def health(self, endpoint: str) -> Health:
        reply = self._api.health(self._id(endpoint))
        return Health(reply.jobs, reply.workers)

    def close(self) -> None:
        self._api.close()

    def _id(self, endpoint: str) -> str:
        if endpoint not in self._ids:
            raise EndpointGoneError(f"no {endpoint} endpoint is set; set FRAMEFLEET_{endpoint.upper()}_ENDPOINT")
        return self._ids[endpoint]

    def _poll(self, job: Job, *, fresh: bool) -> JobStatus:
        try:
            return self._api.status(self._id(job.endpoint), job.id)
        except JobLostError:
            if fresh:
                return JobStatus(id=job.id, status="IN_QUEUE")
            raise


def failure(job: Job, status: JobStatus) -> Exception:
    """The error that a job which ended without output stands for."""
    if status.status == "TIMED_OUT":
        return JobTimeoutError(f"{job.endpoint}: job {job.id} ran longer than the endpoint allows")
    if status.status == "CANCELLED":
        return JobFailedError(f"{job.endpoint}: job {job.id} was cancelled")
    return from_worker(_text(status.error) or _text(status.output) or f"job {job.id} failed without a reason")


def _text(error: object) -> str:
    """The one line in what a failed job carries: text, text that is itself JSON, or a dict."""
    if isinstance(error, str):
        try:
            inner = msgspec.json.decode(error)
        except msgspec.DecodeError:
            return error
        return _text(inner) if isinstance(inner, dict) else error
    if isinstance(error, dict):
        for key in ("error", "error_message", "message"):
            if isinstance(error.get(key), str):
                return str(error[key])
    return ""


def _receipt(status: JobStatus) -> Receipt:
    return Receipt(status.workerId, status.delayTime or 0, status.executionTime or 0)


def _intervals() -> Iterator[Seconds]:
    """How long to wait between polls: short at first, since most jobs take a fraction of a second."""
    interval = FIRST_POLL_S
    while True:
        yield interval
        interval = min(interval * 1.3, LONGEST_POLL_S)
