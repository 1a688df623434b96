"""The base of every endpoint's handler: it distinguishes probes from requests, and always answers."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic

import msgspec

from framefleet.errors import WorkerError
from framefleet.logs import logger
from framefleet.protocol.envelope import (
    Message,
    Probe,
    ProbeReply,
    is_probe,
    read_request,
    to_input,
    to_output,
)

log = logger(__name__)


_asking = threading.local()  # `unwanted`: whether the answer that this thread computes is no longer needed


class NotWanted(BaseException):
    """The answer is no longer needed. A `BaseException`, so that it is not mistaken for an error of the request."""


@contextmanager
def unless(unwanted: Callable[[], bool]) -> Iterator[None]:
    """Let `look_up` end the work within this block once it is `unwanted`."""
    _asking.unwanted = unwanted
    try:
        yield
    finally:
        del _asking.unwanted


def look_up() -> None:
    """Raise `NotWanted` if the answer is no longer needed. Handlers with long work should call it now and then."""
    if hasattr(_asking, "unwanted") and _asking.unwanted():
        raise NotWanted


class RequestHandler(ABC):
    """A handler with two entry points: a call with a job from the wire, and `answer` for a request in this process."""

    @abstractmethod
    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return the reply to a job (`{"input": request}`)."""

    @abstractmethod
    def answer(self, request: msgspec.Struct) -> dict[str, Any]:
        """Return the reply to a request, whose arrays are neither copied nor encoded."""


class ServedHandler(RequestHandler, Generic[Message]):
    """A handler that returns the whole reply: to a probe, to a request, or `{"error": "<type>: <line>"}`.

    It raises nothing but `NotWanted`.
    """

    def __init__(
        self,
        type: type[Message],
        probe: Callable[[], ProbeReply],
        answer: Callable[[Message], msgspec.Struct],
        explain: Callable[[Exception], WorkerError],
    ) -> None:
        """Create a handler for requests of `type`; `explain` converts an exception that is not a `WorkerError`."""
        self._request_type = type
        self._on_probe = probe
        self._on_request = answer
        self._explain = explain

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        return self._reply(lambda: Probe() if is_probe(job) else read_request(job, self._request_type))

    def answer(self, request: msgspec.Struct) -> dict[str, Any]:
        return self._reply(lambda: request)

    def _reply(self, read: Callable[[], Any]) -> dict[str, Any]:
        try:
            request = read()
            return to_output(self._on_probe() if isinstance(request, Probe) else self._on_request(request))
        except WorkerError as error:
            log.info("request refused", exc_info=error)
            return error.wire()
        except Exception as error:  # a worker must answer, and a traceback is not an answer
            log.warning("request failed", exc_info=error)
            return self._explain(error).wire()


def ask_here(handler: Callable[[dict[str, Any]], dict[str, Any]], request: msgspec.Struct) -> dict[str, Any]:
    """Return the reply of a handler in this process to a request; it gets a job if it only accepts jobs."""
    if isinstance(handler, RequestHandler):
        return handler.answer(request)
    return handler({"id": "local", "input": to_input(request)})


def check_model(requested: str | None, loaded: str) -> None:
    """Raise `WorkerError` if the request is for another model than the loaded one; None stands for any."""
    if requested not in (None, loaded):
        raise WorkerError(
            "model_mismatch",
            f"the request is for {requested}, but this worker runs {loaded}; request that, or any",
        )


def ms(seconds: float) -> float:
    """Return `seconds` in milliseconds, rounded as in timings."""
    return round(seconds * 1000, 3)
