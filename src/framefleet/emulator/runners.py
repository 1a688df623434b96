"""Running a handler on a request, as the service's own worker does: in this thread, or in a process of its own."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Protocol, cast

import msgspec

from framefleet.emulator.endings import HandlerOutcome
from framefleet.emulator.ledger import Content
from framefleet.stages.base import Handler


class ProgressKind(StrEnum):
    """The kinds of output that a job may have before it is over."""

    STREAMED = "streamed"  # a part that a generator yielded, for `stream`
    PROGRESS = "progress"  # by `runpod.serverless.progress_update`: the `output` of `status` meanwhile


Tell = Callable[[ProgressKind, bytes], None]
"""Takes a part of a job's output, as JSON."""


def tell_nobody(part: ProgressKind, content: bytes) -> None: ...


Given = Handler | Mapping[str, Any]
"""A handler (plain, async, or a generator of either kind), or the argument of `runpod.serverless.start`: a dict of
`handler`, `return_aggregate_stream` and `refresh_worker`. Its other settings are ignored."""


class Runner(Protocol):
    """The runner of one worker. All methods but `stop` are called from the worker's thread alone."""

    def load(self) -> None:
        """Load the handler. Raises what loading it raises."""

    def run(self, job_id: str, input: Content, tell: Tell = tell_nobody) -> HandlerOutcome | None:
        """Run the handler on the request and return the outcome; None if the worker died of it."""

    def stop(self) -> None:
        """End the worker, even while it is busy."""

    def close(self) -> None:
        """Release what only the worker's thread can; no job is run after that."""


class InThread:
    """A runner in this process. A handler with a method `raw` gets the request's JSON as received."""

    def __init__(self, given: Given) -> None:
        self._caller = Caller(given)

    def load(self) -> None: ...

    def run(self, job_id: str, input: Content, tell: Tell = tell_nobody) -> HandlerOutcome:
        return self._caller.run(job_id, input, tell)

    def stop(self) -> None: ...

    def close(self) -> None:
        self._caller.close()


class Caller:
    """Calls a handler as the `runpod` package (1.12) does, and turns its result into what the package sends.

    All jobs of a worker share one event loop, as there: a handler may use in one what it opened in another.
    """

    def __init__(self, given: Given) -> None:
        config: Mapping[str, Any] = given if isinstance(given, Mapping) else {"handler": given}
        self._handler = config["handler"]
        self._aggregate = bool(config.get("return_aggregate_stream"))
        self._refresh = bool(config.get("refresh_worker"))
        self._streams = inspect.isgeneratorfunction(self._handler) or inspect.isasyncgenfunction(self._handler)
        self._loop: asyncio.Runner | None = None

    def run(self, job_id: str, input: Content, tell: Tell = tell_nobody) -> HandlerOutcome:
        try:
            raw: Callable[[Content], Any] | None = getattr(self._handler, "raw", None)
            if raw is not None:
                return self._outcome(raw(input))
            job = {"id": job_id, "input": msgspec.json.decode(input)}
            if self._streams:
                streamed: HandlerOutcome = self._awaited(self._streamed(job, tell))
                return streamed
            result = self._handler(job)
            return self._outcome(self._awaited(result) if inspect.isawaitable(result) else result)
        except Exception as error:  # noqa: BLE001 - as the package does
            # The package sends a traceback too; here it might contain the content of a frame.
            told = {"error_type": str(type(error)), "error_message": str(error), "error_traceback": ""}
            return HandlerOutcome(error=json.dumps(told))

    def close(self) -> None:
        if self._loop is not None:
            self._loop.close()

    def _awaited(self, result: Any) -> Any:
        async def wait() -> Any:
            return await result

        self._loop = self._loop or asyncio.Runner()
        return self._loop.run(wait())

    def _outcome(self, result: Any) -> HandlerOutcome:
        """Return the outcome for a result. A job fails for an `error` that is not empty.

        `refresh_worker` is for the service, and an empty dict is no output.
        """
        if not isinstance(result, dict):
            return HandlerOutcome(msgspec.json.encode(result), refresh=self._refresh)
        rest = {key: value for key, value in result.items() if key not in {"error", "refresh_worker"}}
        output = msgspec.json.encode(rest) if rest else None
        refresh = self._refresh or bool(result.get("refresh_worker"))
        return HandlerOutcome(output, _plain(result.get("error") or None), refresh)

    async def _streamed(self, job: dict[str, Any], tell: Tell) -> HandlerOutcome:
        """Report each part as the handler yields it; the output is all of them if aggregated, else an empty list."""
        whole: list[msgspec.Raw] = []
        try:
            async for part in _each(self._handler(job)):
                if isinstance(part, dict) and part.get("error"):
                    return HandlerOutcome(error=str(part["error"]), refresh=self._refresh)
                content = msgspec.json.encode(part)
                tell(ProgressKind.STREAMED, content)
                if self._aggregate:
                    whole.append(msgspec.Raw(content))
        except Exception as error:  # noqa: BLE001 - as the package does, but for the traceback
            return HandlerOutcome(error=f"handler: {error} \ntraceback: ", refresh=self._refresh)
        return HandlerOutcome(msgspec.json.encode(whole), refresh=self._refresh)


async def _each(parts: Iterable[Any] | AsyncIterator[Any]) -> AsyncIterator[Any]:
    if isinstance(parts, AsyncIterator):
        async for part in parts:
            yield part
    else:
        for part in parts:
            yield part


def _plain(error: Any) -> Any:
    """Return an error as JSON represents it: text stays text, a dict a dict."""
    return error if error is None or isinstance(error, str) else cast(Any, json.loads(json.dumps(error, default=str)))
