"""RunPod's job API as plain calls: one HTTP request each, every status and vendor error translated to ours.

Facts from RunPod's documentation of its serverless job API (August 2026).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from framefleet.config.endpoints import Secret
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
from framefleet.fleet.backends.envelope import (
    Unreadable,
    count,
    duration_ms,
    name,
    read,
)
from framefleet.fleet.backends.http import Http
from framefleet.timebase import Seconds

RUN_BODY_LIMIT = 10 * 2**20  # bytes `run` takes
RUNSYNC_BODY_LIMIT = 20 * 2**20
CANCEL_TIMEOUT_S = 10.0  # a user who cancels wants to leave
A_PAGE = "a web page answered, and not the service"
RUNSYNC_WAIT_MS = 5_000  # of RunPod's 1,000 to 300,000: until it responds, there is no id to cancel or to poll

_OUT_OF_MONEY = re.compile(r"(insufficient|not enough|out of|no)[ _-](account )?(balance|credit|funds?|quota)", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """The body of `run` and `status`. Times in milliseconds.

    `unread` is the reason why an output cannot be read.
    """

    id: str = ""
    status: str = ""
    delayTime: float | None = None  # noqa: N815 - the service's own names
    executionTime: float | None = None  # noqa: N815
    workerId: str | None = None  # noqa: N815
    output: Any = None
    error: Any = None
    unread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReply:
    jobs: dict[str, int] = field(default_factory=dict)
    workers: dict[str, int] = field(default_factory=dict)


class RunPodApi:
    """The job API at `base_url`, which ends before the endpoint's id. Safe to call from many threads."""

    def __init__(self, base_url: str, api_key: Secret) -> None:
        self._http = Http(base_url, api_key)

    def run(self, endpoint_id: str, body: bytes) -> JobStatus:
        """Queue a job. `body` is `{"input": …}` as JSON. Raises `FleetError`."""
        _check_size(body, RUN_BODY_LIMIT)
        return _status(self._call("POST", endpoint_id, "run", body))

    def runsync(self, endpoint_id: str, body: bytes) -> JobStatus:
        """Queue a job and wait a few seconds for its end. Raises `FleetError`."""
        _check_size(body, RUNSYNC_BODY_LIMIT)
        return _status(self._call("POST", endpoint_id, f"runsync?wait={RUNSYNC_WAIT_MS}", body, waits=True))

    def status(self, endpoint_id: str, job_id: str) -> JobStatus:
        """Return a job's status. Raises `JobLostError` for an id that the service does not know (yet, or any more)."""
        status = _status(self._call("GET", endpoint_id, f"status/{job_id}"))
        if not status.status:
            raise BadReplyError(f"endpoint {endpoint_id}: the response to status holds no status")
        return status

    def cancel(self, endpoint_id: str, job_id: str) -> JobStatus:
        return _status(self._call("POST", endpoint_id, f"cancel/{job_id}", b"", CANCEL_TIMEOUT_S))

    def health(self, endpoint_id: str) -> HealthReply:
        said = self._call("GET", endpoint_id, "health")
        return HealthReply(jobs=_counts(said.get("jobs")), workers=_counts(said.get("workers")))

    @property
    def transfers(self) -> int:
        """How many calls have been sending or receiving a body for a while."""
        return self._http.transfers

    def close(self) -> None:
        self._http.close()

    def _call(
        self,
        method: str,
        endpoint_id: str,
        route: str,
        body: bytes | None = None,
        read_timeout_s: Seconds | None = None,
        *,
        waits: bool = False,
    ) -> dict[str, Any]:
        """Return the members of the response. Raises `FleetError`."""
        where = f"endpoint {endpoint_id}"
        headers: dict[str, str] = {}
        try:
            status, content = self._http.send(
                method,
                f"{endpoint_id}/{route}",
                body,
                read_timeout_s=read_timeout_s,
                on_headers=headers.update,
                waits=waits,
            )
        except UnreachableError as error:
            raise UnreachableError(f"{where}: {error.message}", hint=error.hint) from None
        if status != 200:
            raise translate(status, route, endpoint_id, content, headers)
        if is_page(content):
            raise _not_the_service(where)
        try:
            return read(content)
        except Unreadable as error:
            raise BadReplyError(f"{where}: {route.partition('/')[0].partition('?')[0]} answered {error}") from None


def _status(said: Mapping[str, Any]) -> JobStatus:
    id, output, state = said.get("id"), said.get("output"), said.get("status")
    unread = isinstance(output, Unreadable)
    return JobStatus(
        id=id if isinstance(id, str) else "",
        status=state.strip().upper() if isinstance(state, str) else "",
        delayTime=duration_ms(said.get("delayTime")),
        executionTime=duration_ms(said.get("executionTime")),
        workerId=name(said.get("workerId")),
        output=None if unread else output,
        error=None if isinstance(error := said.get("error"), Unreadable) else error,
        unread=str(output) if unread else None,
    )


def _counts(said: Any) -> dict[str, int]:
    return {str(state): count(number) for state, number in said.items()} if isinstance(said, dict) else {}


def _not_the_service(where: str) -> FleetError:
    error = BadReplyError(f"{where}: {A_PAGE}", hint="check for a login page of the network, or a proxy in between")
    error.counted = False  # no worker has had the request
    return error


def is_page(content: bytes) -> bool:
    """Return whether the content is a web page and not JSON."""
    return content[:200].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def _check_size(body: bytes, limit: int) -> None:
    if len(body) > limit:
        size = f"{len(body) / 2**20:.1f} MiB"
        raise TooLargeError(f"a request of {size} is over RunPod's {limit // 2**20} MiB", hint="lower --batch-size")


def translate(
    status: int, route: str, endpoint_id: str, content: bytes, headers: Mapping[str, str] | None = None
) -> FleetError:
    """Return the error for an HTTP status other than 200."""
    where = f"endpoint {endpoint_id}"
    text = "" if is_page(content) else content[:200].decode("utf-8", "replace")
    if status == 402 or (400 <= status < 500 and _OUT_OF_MONEY.search(text)):
        return AuthError(
            f"{where}: the account has nothing left to spend ({status})", hint="add credit to it at RunPod"
        )
    if status in {401, 403}:
        return AuthError(f"{where}: RunPod refuses the key ({status})", hint="check RUNPOD_API_KEY")
    if status == 404 and "/" in route and is_page(content):
        return _not_the_service(where)
    if status == 404 and "/" in route:
        return JobLostError(f"{where}: the service no longer knows job {route.partition('/')[2]}")
    if status == 404:
        return EndpointGoneError(f"{where}: not found", hint="check its id, as in FRAMEFLEET_YOLO_ENDPOINT")
    if status == 413 or (status == 400 and "max body size" in text):
        return TooLargeError(f"{where}: the request is larger than the service takes", hint="lower --batch-size")
    if status == 429:
        error = RateLimitedError(f"{where}: too many requests (429)")
        error.after_s = _after_s(headers or {})
        return error
    if status == 407:
        return UnreachableError(
            f"{where}: the proxy requires a name and password (407)", hint="give them in HTTPS_PROXY"
        )
    if 300 <= status < 400 or status == 511:
        return UnreachableError(
            f"{where}: the service answered {status}: a redirect or a login page",
            hint="log in to the network in a browser",
        )
    if status >= 500 or status in {408, 409, 421, 425}:
        return UnreachableError(f"{where}: the service answered {status}")
    return RefusedError(f"{where}: the service answered {status}: {text or 'no reason given'}")


def _after_s(headers: Mapping[str, str]) -> Seconds:
    """Return `Retry-After` as seconds from now; 0 if it is missing or cannot be understood."""
    said = next((value.strip() for key, value in headers.items() if key.lower() == "retry-after"), "")
    if said.isdecimal():
        return float(said[:9])
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
