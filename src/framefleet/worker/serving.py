"""What every endpoint's handler does on a worker: tell a probe from a request, and answer whatever happens."""

import threading
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


_asking = threading.local()  # `unwanted`: whether the answer that this thread works on is wanted no more


class NotWanted(BaseException):
    """Nobody wants the answer any more. No error of the request, so that nothing takes it for one."""


@contextmanager
def unless(unwanted: Callable[[], bool]) -> Iterator[None]:
    """A block in which `look_up` ends the work once it is `unwanted`."""
    _asking.unwanted = unwanted
    try:
        yield
    finally:
        del _asking.unwanted


def look_up() -> None:
    """Raise `NotWanted` where the answer is wanted no more; for handlers whose work takes long, now and then."""
    if hasattr(_asking, "unwanted") and _asking.unwanted():
        raise NotWanted


class ServedHandler(Generic[Message]):
    """A handler with two doors: called with a job from the wire, or asked for `answer` within this process.

    Out comes the whole reply: of a probe, of a request, or `{"error": "<type>: <line>"}`. Neither raises anything but
    `NotWanted`.
    """

    def __init__(
        self,
        type: type[Message],
        probe: Callable[[], ProbeReply],
        answer: Callable[[Message], msgspec.Struct],
        explain: Callable[[Exception], WorkerError],
    ) -> None:
        """`explain` says what an error stands for that is not the worker's own."""
        self._request_type = type
        self._on_probe = probe
        self._on_request = answer
        self._explain = explain

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        return self._reply(lambda: Probe() if is_probe(job) else read_request(job, self._request_type))

    def answer(self, request: msgspec.Struct) -> dict[str, Any]:
        """The reply to a request as it is, whose arrays are neither copied nor encoded."""
        return self._reply(lambda: request)

    def _reply(self, read: Callable[[], Any]) -> dict[str, Any]:
        try:
            request = read()
            return to_output(self._on_probe() if isinstance(request, Probe) else self._on_request(request))
        except WorkerError as error:
            log.info("a request is refused", exc_info=error)
            return error.wire()
        except Exception as error:  # a worker must answer, and a traceback is no answer
            log.warning("a request fails", exc_info=error)
            return self._explain(error).wire()


def ask_here(handler: Callable[[dict[str, Any]], Any], request: msgspec.Struct) -> Any:
    """What a handler in this process says to a request: as it is, or as a job where it takes jobs alone."""
    answer = getattr(handler, "answer", None)
    if answer is not None:
        return answer(request)
    return handler({"id": "local", "input": to_input(request)})


def ms(seconds: float) -> float:
    """`seconds` in milliseconds, as timings are told."""
    return round(seconds * 1000, 3)
