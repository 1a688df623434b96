"""The operations of the job API, each from a request to an HTTP status and body."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from framefleet.emulator import limits
from framefleet.emulator.endpoint import EmulatedEndpoint
from framefleet.emulator.queue import OVER, Terms
from framefleet.timebase import Seconds


class HttpRequest(NamedTuple):
    """An authorized request. `body` is None for one over every limit; `wait_ms` is the text that the client sent.

    `gone` returns whether the client has disconnected.
    """

    endpoint: EmulatedEndpoint
    job_id: str
    body: bytes | None
    wait_ms: str | None
    gone: Callable[[], Awaitable[bool]]


class HttpReply(NamedTuple):
    status: int
    body: Any


Operation = Callable[[HttpRequest], Awaitable[HttpReply]]
NO_SUCH_JOB = HttpReply(404, {"error": "job not found"})


class _Policy(msgspec.Struct):
    executionTimeout: float = limits.EXECUTION_TIMEOUT_MS  # noqa: N815 - the service's own names
    ttl: float = limits.TTL_MS


class _Body(msgspec.Struct):
    input: msgspec.Raw
    policy: _Policy | None = None

    def terms(self, kept_s: Seconds) -> Terms:
        policy = self.policy or _Policy()
        return Terms(policy.executionTimeout / 1000, policy.ttl / 1000, kept_s)


async def run(asked: HttpRequest) -> HttpReply:
    """Queue a job and answer with its id."""
    body = _read(asked.body, limits.RUN_BODY)
    if isinstance(body, HttpReply):
        return body
    id = asked.endpoint.submit(memoryview(body.input), body.terms(limits.KEPT_AFTER_RUN_S))
    return HttpReply(200, {"id": id, "status": "IN_QUEUE"})


async def runsync(asked: HttpRequest) -> HttpReply:
    """Queue a job and answer when it is over, or with its state at the end of the wait."""
    body = _read(asked.body, limits.RUNSYNC_BODY)
    if isinstance(body, HttpReply):
        return body
    id = asked.endpoint.submit(memoryview(body.input), body.terms(limits.KEPT_AFTER_RUNSYNC_S), sync=True)
    return HttpReply(200, await _when_over(asked, id) or {"id": id, "status": "IN_QUEUE"})


async def status(asked: HttpRequest) -> HttpReply:
    told = asked.endpoint.status(asked.job_id)
    return NO_SUCH_JOB if told is None else HttpReply(200, told)


async def status_sync(asked: HttpRequest) -> HttpReply:
    """Answer as `status` does, but when the job or the wait is over."""
    told = asked.endpoint.status(asked.job_id)
    if told is not None and told["status"] not in OVER:
        told = await _when_over(asked, asked.job_id)
    return NO_SUCH_JOB if told is None else HttpReply(200, told)


async def stream(asked: HttpRequest) -> HttpReply:
    told = asked.endpoint.stream(asked.job_id)
    return NO_SUCH_JOB if told is None else HttpReply(200, told)


async def cancel(asked: HttpRequest) -> HttpReply:
    told = asked.endpoint.cancel(asked.job_id)
    return NO_SUCH_JOB if told is None else HttpReply(200, told)


async def retry(asked: HttpRequest) -> HttpReply:
    told = asked.endpoint.retry(asked.job_id)
    return NO_SUCH_JOB if told is None else HttpReply(400 if "error" in told else 200, told)


async def purge_queue(asked: HttpRequest) -> HttpReply:
    return HttpReply(200, asked.endpoint.purge())


async def health(asked: HttpRequest) -> HttpReply:
    return HttpReply(200, asked.endpoint.health())


OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "run"): run,
    ("POST", "runsync"): runsync,
    ("GET", "status"): status,
    ("POST", "status"): status,
    ("GET", "status-sync"): status_sync,
    ("POST", "status-sync"): status_sync,
    ("GET", "stream"): stream,
    ("POST", "stream"): stream,
    ("POST", "cancel"): cancel,
    ("POST", "retry"): retry,
    ("POST", "purge-queue"): purge_queue,
    ("GET", "health"): health,
}
OF_A_JOB = frozenset({"status", "status-sync", "stream", "cancel", "retry"})


async def _when_over(asked: HttpRequest, id: str) -> dict[str, Any] | None:
    """Return the job as soon as it is over, or its state at the end of the wait; None if it is not known (any more)."""
    endpoint, loop, over = asked.endpoint, asyncio.get_running_loop(), asyncio.Event()

    def on_over() -> None:
        with contextlib.suppress(RuntimeError):  # the server may have stopped meanwhile
            loop.call_soon_threadsafe(over.set)

    until = endpoint.clock() + _wait_s(asked.wait_ms)
    endpoint.when_over(id, on_over)
    told = endpoint.status(id)
    while (told is None or told["status"] not in OVER) and (left := until - endpoint.clock()) > 0:
        with contextlib.suppress(TimeoutError):  # a job's own timeout is noticed by polling alone
            await asyncio.wait_for(over.wait(), min(endpoint.clock.real(left), 0.1))
        told = endpoint.status(id)
        if (told is None and over.is_set()) or await asked.gone():
            break
    return told


def _read(body: bytes | None, limit: int) -> _Body | HttpReply:
    if body is None or len(body) > limit:
        return HttpReply(400, {"error": f"exceeded max body size of {limit // 2**20}MiB"})
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return HttpReply(400, {"error": f"bad request: {error}"})


def _wait_s(wait_ms: str | None) -> Seconds:
    least, most = limits.RUNSYNC_WAIT_MS_RANGE
    try:
        return min(max(int(wait_ms or limits.RUNSYNC_WAIT_MS), least), most) / 1000
    except ValueError:
        return limits.RUNSYNC_WAIT_MS / 1000
