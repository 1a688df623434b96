"""RunPod's management API v2 as plain calls: creating and changing endpoints, their workers, GPU prices, and the bill.

Facts from RunPod's OpenAPI description of it (August 2026): bodies with unknown fields are refused, an update changes
only what it names, errors are `{"title", "status", "detail", "errors"}`.
"""

import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from framefleet.config.endpoints import Fleet
from framefleet.errors import (
    AuthError,
    BadReplyError,
    EndpointGoneError,
    FleetError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from framefleet.logs import hide_secrets, logger
from framefleet.timebase import Seconds

if TYPE_CHECKING:
    import requests

log = logger(__name__)

ROUTE = "v2/serverless"
GPUS, BILL = "v2/catalog/gpus", "v2/billing/serverless"
LOG_S = 3.0  # a worker's log is an endless stream: it is read for so long
LOG_LIMIT = 64 * 2**10  # bytes of it
LOG_EVENTS = 5
ID_PATTERN = r"^[A-Za-z0-9_-]{1,100}\Z"  # ids become part of an address and of framefleet.toml

EndpointId = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]


class Gpu(msgspec.Struct, kw_only=True):
    """The GPUs of an endpoint. `minCudaVersion` None: any. Any of `allowedCudaVersions` will do; None or empty: all."""

    pools: list[str] = []
    count: int = 1
    allowedCudaVersions: list[str] | None = None  # noqa: N815 - the service's own names
    minCudaVersion: str | None = None  # noqa: N815


class Workers(msgspec.Struct, kw_only=True):
    """The worker limits of an endpoint. `idleTimeout` in seconds."""

    min: int
    max: int
    idleTimeout: int | None = None  # noqa: N815 - the service's own names


class Endpoint(msgspec.Struct, kw_only=True):
    """The fields of an endpoint's description that FrameFleet uses. `timeout` in milliseconds."""

    id: EndpointId
    name: str
    type: str | None = None
    image: str | None = None
    env: dict[str, str] | None = None
    disk: int | None = None
    gpu: Gpu | None = None  # null on a CPU endpoint
    workers: Workers
    scaling: dict[str, Any]
    timeout: int | None = None
    flashboot: str | None = None


class Worker(msgspec.Struct, kw_only=True):
    """An active worker. A field is None as long as the worker has no place, or has not started.

    `isStale`: it runs the endpoint's previous release.
    """

    id: str
    status: str = ""
    isStale: bool = False  # noqa: N815 - the service's own names
    image: str | None = None
    uptimeSeconds: int | None = None  # noqa: N815
    gpuTypeId: str | None = None  # noqa: N815
    dataCenterId: str | None = None  # noqa: N815
    startedAt: str | None = None  # noqa: N815


class Rates(msgspec.Struct, kw_only=True):
    """Dollars per hour of one GPU; None if it is in no serverless pool."""

    serverless: float | None = None


class CatalogGpu(msgspec.Struct, kw_only=True):
    id: str
    name: str = ""
    pool: str | None = None
    price: Rates | None = None


class BillingRecord(msgspec.Struct, kw_only=True):
    """Dollars that one endpoint cost from `startTime` until before `endTime`."""

    serverlessId: str  # noqa: N815 - the service's own names
    startTime: datetime  # noqa: N815
    endTime: datetime  # noqa: N815
    gpuAmount: float = 0.0  # noqa: N815
    cpuAmount: float = 0.0  # noqa: N815
    diskAmount: float = 0.0  # noqa: N815
    feeAmount: float = 0.0  # noqa: N815
    totalAmount: float = 0.0  # noqa: N815


class _Listed(msgspec.Struct):
    endpoints: list[Endpoint]


class _Workers(msgspec.Struct):
    workers: list[Worker]


class _Gpus(msgspec.Struct):
    gpus: list[CatalogGpu]


class _Bill(msgspec.Struct):
    records: list[BillingRecord]


class _LogEvent(msgspec.Struct):
    line: str = ""


class _ManagementProblem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    errors: list[str] = []


Answered = TypeVar("Answered", Endpoint, _Listed, _Workers, _Gpus, _Bill)


class ManageApi:
    """The management API. Nothing is retried automatically: a creation that seems lost may have happened.

    Raises `AuthError` if no key is set.
    """

    def __init__(self, fleet: Fleet, *, read_timeout_s: Seconds = 60.0) -> None:
        from framefleet.fleet.backends.http import Http  # loads requests, which only a caller that sends needs

        if fleet.api_key is None:
            raise AuthError(
                "RUNPOD_API_KEY is not set", hint="create a key in RunPod's console, under Settings, and set it"
            )
        self._key = fleet.api_key
        self._http = Http(fleet.manage_url, fleet.api_key, read_timeout_s=read_timeout_s)

    def endpoints(self) -> list[Endpoint]:
        return self._call("GET", ROUTE, None, _Listed).endpoints

    def get(self, id: str) -> Endpoint:
        """Return an endpoint. Raises `EndpointGoneError` for an id that the service does not know."""
        return self._call("GET", f"{ROUTE}/{id}", id, Endpoint)

    def create(self, body: dict[str, Any]) -> Endpoint:
        return self._call("POST", ROUTE, None, Endpoint, body)

    def update(self, id: str, body: dict[str, Any]) -> Endpoint:
        return self._call("PATCH", f"{ROUTE}/{id}", id, Endpoint, body)

    def delete(self, id: str) -> None:
        """Delete an endpoint, which ends its workers and cancels its jobs; this cannot be undone."""
        self._send("DELETE", f"{ROUTE}/{id}", id, None)

    def workers(self, id: str) -> list[Worker]:
        """Return the endpoint's active workers, without those that were scaled down."""
        return self._call("GET", f"{ROUTE}/{id}/workers", id, _Workers).workers

    def last_log_line(self, id: str, worker: str) -> str | None:
        """Return the last line that a worker, or its host about it, logged, safe to print; None if there is none."""
        path = f"{ROUTE}/{id}/workers/{quote(worker, safe='')}/logs?tail={LOG_EVENTS}"
        content = self._send("GET", path, id, None, read=_first_events, read_timeout_s=LOG_S)
        events = content.decode("utf-8", "replace").splitlines()
        said = [line for event in events if event.startswith("data:") and (line := _logged(event[5:]).strip())]
        return self._shown(hide_secrets(_COLOURS.sub("", said[-1]))) if said else None

    def gpus(self) -> list[CatalogGpu]:
        """Return all GPUs that RunPod offers, with their prices."""
        return self._call("GET", GPUS, None, _Gpus).gpus

    def bill(self, start: datetime, end: datetime, bucket: str) -> list[BillingRecord]:
        """Return what each endpoint of the account cost per `bucket` ("hour", "day"), from `start` to before `end`."""
        query = {"startTime": _rfc3339(start), "endTime": _rfc3339(end), "bucketSize": bucket}
        return self._call("GET", f"{BILL}?{urlencode(query)}", None, _Bill).records

    def close(self) -> None:
        self._http.close()

    def _call(
        self, method: str, path: str, id: str | None, type: type[Answered], body: dict[str, Any] | None = None
    ) -> Answered:
        content = self._send(method, path, id, body)
        try:
            return msgspec.json.decode(content, type=type)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadReplyError(
                f"{_name(id)}: the response to {method} cannot be read: {self._shown(str(error))}"
            ) from None

    def _send(self, method: str, path: str, id: str | None, body: dict[str, Any] | None, **how: Any) -> bytes:
        sent = None if body is None else msgspec.json.encode(body)
        try:
            status, content = self._http.send(method, path, sent, **how)
        except UnreachableError as error:
            raise UnreachableError(f"{_name(id)}: {error.message}", hint=error.hint) from None
        if status not in {200, 201, 204}:
            raise translate(status, id, self._shown(_reason(content)))
        return content

    def _shown(self, text: str) -> str:
        """Return a service's text, safe to print: no terminal codes, at most 300 characters, without our own key."""
        text = text.replace(self._key.reveal(), "…")
        return "".join(c if c.isprintable() else " " for c in text)[:300]


def translate(status: int, id: str | None, reason: str) -> FleetError:
    """Return the error for an HTTP status other than success. `id` None: the service as a whole."""
    name = _name(id)
    if status == 401:
        return AuthError(f"{name}: RunPod refuses the key (401)", hint="check RUNPOD_API_KEY")
    if status == 403:
        return AuthError(
            f"{name}: the key in RUNPOD_API_KEY lacks permission for this (403)", hint="use a key that has it"
        )
    if status == 404 and id is not None:
        return EndpointGoneError(f"{name}: not found", hint="create a new one with framefleet deploy")
    if status == 429:
        return RateLimitedError(f"{name}: too many requests", hint="wait a minute")
    if status >= 500 or 300 <= status < 400 or status == 408:
        return UnreachableError(f"{name}: the service answered {status}", hint="try again later")
    return RefusedError(f"{name}: RunPod refuses ({status}): {reason or 'no reason given'}")


_COLOURS = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def _first_events(response: "requests.Response") -> bytes:
    """Return the first events of an endless response, as far as they arrive in time."""
    from requests import RequestException

    until, content = time.monotonic() + LOG_S, bytearray()
    try:
        for byte in response.iter_content(1):  # a larger block would be returned only when it is full
            content += byte
            if content.count(b"\n\n") >= LOG_EVENTS or len(content) > LOG_LIMIT or time.monotonic() > until:
                break
    except RequestException as error:  # a silent log times out; what has arrived is returned
        log.debug("a worker's log ends after %d bytes", len(content), exc_info=error)
    return bytes(content)


def _logged(event: str) -> str:
    try:
        return msgspec.json.decode(event, type=_LogEvent).line
    except (msgspec.MsgspecError, UnicodeError):
        return ""


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(id: str | None) -> str:
    return "RunPod's management API" if id is None else f"endpoint {id}"


def _reason(content: bytes) -> str:
    try:
        problem = msgspec.json.decode(content, type=_ManagementProblem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return content[:1000].decode("utf-8", "replace")
    return "; ".join(part for part in [problem.detail or problem.title, *problem.errors] if part)
