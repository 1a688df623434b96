"""The documented routes of RunPod's job API over emulated endpoints."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response

from framefleet.emulator.queue import OVER, JobQueue, QueuedJob, State
from framefleet.emulator.workers import Workers
from framefleet.stages.base import Handler

RUN_BODY_LIMIT = 10 * 2**20  # bytes; the client has its own, so that the two cannot be wrong together


class _Body(msgspec.Struct):
    input: msgspec.Raw


@dataclass(slots=True)
class Endpoint:
    """One emulated endpoint: its queue and what works it off."""

    queue: JobQueue
    workers: Workers


def make_endpoint(handler: Handler, workers: int) -> Endpoint:
    """An endpoint with that many workers, at work already."""
    queue = JobQueue(time.monotonic)
    endpoint = Endpoint(queue, Workers(queue, handler, workers))
    endpoint.workers.start()
    return endpoint


def make_app(endpoints: Mapping[str, Endpoint], api_key: str) -> FastAPI:
    """The service with these endpoints by id, open to `api_key` alone."""
    app = FastAPI(title="FrameFleet's stand-in for RunPod", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def authorise(request: Request, call_next: Any) -> Response:
        if request.headers.get("authorization") != f"Bearer {api_key}":
            return _json(401, {"error": "unauthorized"})
        if request.url.path.strip("/").partition("/")[0] not in endpoints:
            return _json(404, {"error": "endpoint not found"})
        answer: Response = await call_next(request)
        return answer

    @app.post("/{endpoint_id}/run")
    async def run(endpoint_id: str, request: Request) -> Response:
        body = await request.body()
        if len(body) > RUN_BODY_LIMIT:
            return _json(400, {"error": "exceeded max body size of 10MiB"})
        try:
            parsed = msgspec.json.decode(body, type=_Body)
        except msgspec.MsgspecError as error:
            return _json(400, {"error": f"bad request: {error}"})
        job = endpoints[endpoint_id].queue.submit(bytes(parsed.input))
        return _json(200, {"id": job.id, "status": State.IN_QUEUE})

    @app.get("/{endpoint_id}/status/{job_id}")
    async def status(endpoint_id: str, job_id: str) -> Response:
        return _told(endpoints[endpoint_id].queue.get(job_id))

    @app.post("/{endpoint_id}/cancel/{job_id}")
    async def cancel(endpoint_id: str, job_id: str) -> Response:
        return _told(endpoints[endpoint_id].queue.cancel(job_id))

    @app.get("/{endpoint_id}/health")
    async def health(endpoint_id: str) -> Response:
        endpoint = endpoints[endpoint_id]
        return _json(200, {"jobs": endpoint.queue.counts(), "workers": endpoint.workers.states()})

    return app


def _told(job: QueuedJob | None) -> Response:
    if job is None:
        return _json(404, {"error": "job not found"})
    told: dict[str, Any] = {"id": job.id, "status": job.state}
    if job.state is not State.IN_QUEUE:
        told |= {"delayTime": round((job.started - job.submitted) * 1000), "workerId": job.worker_id}
    if job.state in OVER:
        told["executionTime"] = round((job.finished - job.started) * 1000)
    if job.state is State.COMPLETED:
        told["output"] = job.output
    if job.error is not None:
        told["error"] = job.error
    return _json(200, told)


def _json(status: int, content: Any) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")
