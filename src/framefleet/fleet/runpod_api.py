"""RunPod's job API as plain calls: one request each, every HTTP status and vendor error translated to ours.

Facts from RunPod's documentation of its serverless job API (August 2026).
"""

from typing import Any, TypeVar

import msgspec

from framefleet.config import Secret
from framefleet.errors import (
    AuthError,
    BadReplyError,
    EndpointGoneError,
    FleetError,
    JobLostError,
    RateLimitedError,
    RefusedError,
    TooLargeError,
    UnreachableError,
)
from framefleet.fleet.http import Http
from framefleet.units import Seconds

RUN_BODY_LIMIT = 10 * 2**20  # bytes `run` takes
RUNSYNC_BODY_LIMIT = 20 * 2**20
CANCEL_TIMEOUT_S = 10.0  # whoever cancels wants to go
RUNSYNC_WAIT_MS = 5_000  # of RunPod's 1,000 to 300,000: until it answers, nobody knows the id to cancel or to ask after


class JobStatus(msgspec.Struct, kw_only=True):
    """The body of `run` and `status`. Times in milliseconds."""

    id: str = ""
    status: str = ""
    delayTime: float | None = None  # noqa: N815 - the service's own names
    executionTime: float | None = None  # noqa: N815
    workerId: str | None = None  # noqa: N815
    output: Any = None
    error: Any = None


class HealthReply(msgspec.Struct, kw_only=True):
    jobs: dict[str, int] = {}
    workers: dict[str, int] = {}


Answered = TypeVar("Answered", JobStatus, HealthReply)


class RunPodApi:
    """`base_url` is up to and without the endpoint's id. Safe to call from many threads: each has its own session."""

    def __init__(self, base_url: str, api_key: Secret) -> None:
        self._http = Http(base_url, api_key)

    def run(self, endpoint_id: str, body: bytes) -> JobStatus:
        """Queues a job. `body` is `{"input": …}` as JSON. Raises `FleetError`."""
        _check_size(body, RUN_BODY_LIMIT)
        return self._call("POST", endpoint_id, "run", JobStatus, body)

    def runsync(self, endpoint_id: str, body: bytes) -> JobStatus:
        """Queues a job and waits a little for its end. Raises `FleetError`."""
        _check_size(body, RUNSYNC_BODY_LIMIT)
        return self._call("POST", endpoint_id, f"runsync?wait={RUNSYNC_WAIT_MS}", JobStatus, body)

    def status(self, endpoint_id: str, job_id: str) -> JobStatus:
        """Raises `JobLostError` for an id that the service does not know (yet, or any more)."""
        return self._call("GET", endpoint_id, f"status/{job_id}", JobStatus)

    def cancel(self, endpoint_id: str, job_id: str) -> JobStatus:
        return self._call("POST", endpoint_id, f"cancel/{job_id}", JobStatus, b"", CANCEL_TIMEOUT_S)

    def health(self, endpoint_id: str) -> HealthReply:
        return self._call("GET", endpoint_id, "health", HealthReply)

    def close(self) -> None:
        self._http.close()

    def _call(
        self,
        method: str,
        endpoint_id: str,
        route: str,
        type: type[Answered],
        body: bytes | None = None,
        read_timeout_s: Seconds | None = None,
    ) -> Answered:
        content = self._send(method, endpoint_id, route, body, read_timeout_s)
        try:
            return msgspec.json.decode(content, type=type)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadReplyError(
                f"endpoint {endpoint_id}: {route.partition('/')[0]} answered no {type.__name__}: {error}"
            ) from None

    def _send(
        self, method: str, endpoint_id: str, route: str, body: bytes | None, read_timeout_s: Seconds | None
    ) -> bytes:
        try:
            status, content = self._http.send(method, f"{endpoint_id}/{route}", body, read_timeout_s=read_timeout_s)
        except UnreachableError as error:
            raise UnreachableError(f"endpoint {endpoint_id}: {error}") from None
        if status != 200:
            raise translate(status, route, endpoint_id, content)
        return content


def _check_size(body: bytes, limit: int) -> None:
    if len(body) > limit:
        size = f"{len(body) / 2**20:.1f} MiB"
        raise TooLargeError(f"a request of {size} is over RunPod's {limit // 2**20} MiB; lower --batch-size")


def translate(status: int, route: str, endpoint_id: str, content: bytes) -> FleetError:
    """The error that an HTTP status other than 200 stands for."""
    name = f"endpoint {endpoint_id}"
    text = content[:200].decode("utf-8", "replace")
    if status in {401, 403}:
        return AuthError(f"{name}: RunPod refuses the key ({status}); check RUNPOD_API_KEY")
    if status == 404 and "/" in route:
        return JobLostError(f"{name}: the service no longer knows job {route.partition('/')[2]}")
    if status == 404:
        return EndpointGoneError(f"{name}: not found; check its id, as in FRAMEFLEET_YOLO_ENDPOINT")
    if status == 413 or (status == 400 and "max body size" in text):
        return TooLargeError(f"{name}: the request is larger than the service takes; lower --batch-size")
    if status == 429:
        return RateLimitedError(f"{name}: too many requests")
    if status >= 500 or 300 <= status < 400 or status == 408:
        return UnreachableError(f"{name}: the service answered {status}")
    return RefusedError(f"{name}: the service answered {status}: {text}")
