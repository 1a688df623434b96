"""RunPod's management API v2 as plain calls: serverless endpoints listed, created, changed and deleted.

Facts from RunPod's OpenAPI description of it (August 2026): bodies with unknown fields are refused, an update changes
only what it names, errors are `{"title", "status", "detail", "errors"}`.
"""

from typing import Annotated, Any, TypeVar

import msgspec

from framefleet.config import Fleet
from framefleet.errors import (
    AuthError,
    BadReplyError,
    EndpointGoneError,
    FleetError,
    RateLimitedError,
    RefusedError,
    UnreachableError,
)
from framefleet.fleet.http import Http

ROUTE = "v2/serverless"
ID_PATTERN = r"^[A-Za-z0-9_-]{1,100}\Z"  # ids become part of an address and of framefleet.toml

EndpointId = Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]


class Gpu(msgspec.Struct, kw_only=True):
    """`minCudaVersion` None: any."""

    pools: list[str] = []
    count: int = 1
    minCudaVersion: str | None = None  # noqa: N815 - the service's own names


class Workers(msgspec.Struct, kw_only=True):
    """`idleTimeout` in seconds."""

    min: int
    max: int
    idleTimeout: int | None = None  # noqa: N815 - the service's own names


class Endpoint(msgspec.Struct, kw_only=True):
    """As much as is looked at of an endpoint as the service describes it. `timeout` in milliseconds."""

    id: EndpointId
    name: str
    type: str | None = None
    image: str | None = None
    disk: int | None = None
    gpu: Gpu | None = None  # null on a CPU endpoint
    workers: Workers
    scaling: dict[str, Any]
    timeout: int | None = None
    flashboot: str | None = None


class _Listed(msgspec.Struct):
    endpoints: list[Endpoint]


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    errors: list[str] = []


Answered = TypeVar("Answered", Endpoint, _Listed)


class ManageApi:
    """Nothing is sent twice by itself: a creation that seems lost may have happened.

    Raises `AuthError` where there is no key to send.
    """

    def __init__(self, fleet: Fleet) -> None:
        if fleet.api_key is None:
            raise AuthError("RUNPOD_API_KEY is not set; make a key in RunPod's console, under Settings, and set it")
        self._key = fleet.api_key
        self._http = Http(fleet.manage_url, fleet.api_key)

    def endpoints(self) -> list[Endpoint]:
        return self._call("GET", None, _Listed).endpoints

    def get(self, id: str) -> Endpoint:
        """Raises `EndpointGoneError` for an id that the service does not know."""
        return self._call("GET", id, Endpoint)

    def create(self, body: dict[str, Any]) -> Endpoint:
        return self._call("POST", None, Endpoint, body)

    def update(self, id: str, body: dict[str, Any]) -> Endpoint:
        return self._call("PATCH", id, Endpoint, body)

    def delete(self, id: str) -> None:
        """Ends its workers and cancels its jobs; there is no way back."""
        self._send("DELETE", id, None)

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, id: str | None, type: type[Answered], body: dict[str, Any] | None = None) -> Answered:
        content = self._send(method, id, body)
        try:
            return msgspec.json.decode(content, type=type)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise BadReplyError(f"{_name(id)}: no answer to {method}: {self._shown(str(error))}") from None

    def _send(self, method: str, id: str | None, body: dict[str, Any] | None) -> bytes:
        sent = None if body is None else msgspec.json.encode(body)
        try:
            status, content = self._http.send(method, ROUTE if id is None else f"{ROUTE}/{id}", sent)
        except UnreachableError as error:
            raise UnreachableError(f"{_name(id)}: {error}") from None
        if status not in {200, 201, 204}:
            raise translate(status, id, self._shown(_reason(content)))
        return content

    def _shown(self, text: str) -> str:
        """A service's text made safe to print: no terminal codes, not endless, and not our key sent back to us."""
        text = text.replace(self._key.reveal(), "…")
        return "".join(c if c.isprintable() else " " for c in text)[:300]


def translate(status: int, id: str | None, reason: str) -> FleetError:
    """The error that an HTTP status other than success stands for. `id` None: the service as a whole."""
    name = _name(id)
    if status == 401:
        return AuthError(f"{name}: RunPod refuses the key (401); check RUNPOD_API_KEY")
    if status == 403:
        return AuthError(f"{name}: the key in RUNPOD_API_KEY may not manage endpoints (403); make one that may")
    if status == 404 and id is not None:
        return EndpointGoneError(f"{name}: not found; framefleet deploy makes a new one")
    if status == 429:
        return RateLimitedError(f"{name}: too many requests; wait a minute")
    if status >= 500 or 300 <= status < 400 or status == 408:
        return UnreachableError(f"{name}: the service answered {status}; try again later")
    return RefusedError(f"{name}: RunPod refuses ({status}): {reason or 'it does not say why'}")


def _name(id: str | None) -> str:
    return "RunPod's management API" if id is None else f"endpoint {id}"


def _reason(content: bytes) -> str:
    try:
        problem = msgspec.json.decode(content, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return content[:1000].decode("utf-8", "replace")
    return "; ".join(part for part in [problem.detail or problem.title, *problem.errors] if part)
