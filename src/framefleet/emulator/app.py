"""The HTTP side: authentication, limits, and faults in transport; the rest is in `operations`."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from framefleet.emulator import limits
from framefleet.emulator.endpoint import EmulatedEndpoint
from framefleet.emulator.faults import PAGE, Fault
from framefleet.emulator.ledger import digest
from framefleet.emulator.make import make_endpoint
from framefleet.emulator.operations import (
    OF_A_JOB,
    OPERATIONS,
    HttpReply,
    HttpRequest,
    Operation,
)
from framefleet.emulator.wire import CutConnection

__all__ = ["Door", "EmulatedEndpoint", "make_app", "make_endpoint"]

_LARGEST_BODY = max(limits.RUN_BODY, limits.RUNSYNC_BODY)
_INSTEAD = {
    Fault.TOO_MANY: HttpReply(429, {"error": "too many requests"}),
    Fault.ERROR: HttpReply(500, {"error": "internal server error"}),
    Fault.BAD_GATEWAY: HttpReply(502, {"error": "bad gateway"}),
}


class Door:
    """The entry of the service. With `unavailable` it answers 503 to every request, as in an outage."""

    def __init__(self, endpoints: Mapping[str, EmulatedEndpoint], api_key: str) -> None:
        self._endpoints = endpoints
        self._api_key = api_key
        self.unavailable = False

    async def answer(self, request: Request, endpoint_id: str, name: str, job_id: str = "") -> Response:
        try:
            body = await _body(request)  # always all of it: a client that is still sending does not read the response
        except ClientDisconnect:
            return CutConnection()
        if self.unavailable:
            return _json(HttpReply(503, {"error": "service unavailable"}))
        if _key(request.headers.get("authorization", "")) != self._api_key:
            return _json(HttpReply(401, {"error": "unauthorized"}))
        endpoint, operation = self._endpoints.get(endpoint_id), OPERATIONS.get((request.method, name))
        if endpoint is None or operation is None or (name in OF_A_JOB) != bool(job_id):
            return _json(HttpReply(404, {"error": "not found"}))
        if not endpoint.rates.admit(name):
            return _json(_INSTEAD[Fault.TOO_MANY])
        try:
            asked = HttpRequest(endpoint, job_id, body, request.query_params.get("wait"), request.is_disconnected)
            return await _answered(name, operation, asked)
        finally:
            endpoint.rates.done(name)


def make_app(door: Door) -> FastAPI:
    """Return the ASGI application behind that door."""
    app = FastAPI(title="FrameFleet's stand-in for RunPod", docs_url=None, redoc_url=None, openapi_url=None)

    @app.api_route("/{endpoint_id}/{operation}", methods=["GET", "POST"])
    async def of_endpoint(request: Request, endpoint_id: str, operation: str) -> Response:
        return await door.answer(request, endpoint_id, operation)

    @app.api_route("/{endpoint_id}/{operation}/{job_id}", methods=["GET", "POST"])
    async def of_job(request: Request, endpoint_id: str, operation: str, job_id: str) -> Response:
        return await door.answer(request, endpoint_id, operation, job_id)

    return app


async def _answered(name: str, operation: Operation, asked: HttpRequest) -> Response:
    """Return the operation's response, unless a fault strikes before or after it."""
    faults = asked.endpoint.faults
    if not faults.possible:
        return _json(await operation(asked))
    about = asked.endpoint.subject_of(asked.job_id) if asked.job_id else digest(asked.body or b"")
    fault = faults.of_request(f"{name}/{about}")
    if fault in _INSTEAD:
        return _json(_INSTEAD[fault])
    if fault is Fault.DROP_BEFORE:
        return CutConnection()
    if fault is Fault.PORTAL or (fault is Fault.FORBIDDEN and name == "status"):
        return Response(PAGE, 200 if fault is Fault.PORTAL else 403, media_type="text/html")
    answer = await operation(asked)
    if fault is Fault.DROP_AFTER:
        return CutConnection()
    if fault is Fault.GARBAGE:
        return Response(faults.garbage(f"{name}/{about}"), media_type="application/json")
    if fault is Fault.ODD and answer.status == 200:
        content = faults.odd(f"{name}/{about}", msgspec.json.encode(answer.body))
        return Response(content, media_type="application/json")
    return _json(answer)


def _key(authorization: str) -> str:
    """Return the key in that header: the service accepts it with `Bearer` and, as in RunPod's own examples, without."""
    scheme, _, key = authorization.partition(" ")
    return key.strip() if scheme.lower() == "bearer" else authorization.strip()


async def _body(request: Request) -> bytes | None:
    """Return the request's body; None for one over every limit, which is read to its end and dropped."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= _LARGEST_BODY:
            parts.append(part)
        else:
            parts.clear()
    return b"".join(parts) if size <= _LARGEST_BODY else None


def _json(answer: HttpReply) -> Response:
    content: Any = msgspec.json.encode(answer.body)
    return Response(content, answer.status, media_type="application/json")
