"""What every endpoint's handler does on a worker: tell a probe from a request, and answer whatever happens."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from framefleet.errors import WorkerError
from framefleet.logs import logger
from framefleet.protocol.envelope import (
    Message,
    ProbeReply,
    is_probe,
    read_request,
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


def serve(
    job: dict[str, Any],
    type: type[Message],
    probe: Callable[[], ProbeReply],
    answer: Callable[[Message], msgspec.Struct],
    explain: Callable[[Exception], WorkerError],
) -> dict[str, Any]:
    """The handler's whole reply: `probe()` or `answer(request)`, or `{"error": "<type>: <line>"}`.

    Raises nothing, but `NotWanted`. `explain` says what an error stands for that is not the worker's own.
    """
    try:
        return to_output(probe() if is_probe(job) else answer(read_request(job, type)))
    except WorkerError as error:
        log.info("a request is refused", exc_info=error)
        return error.wire()
    except Exception as error:  # a worker must answer, and a traceback is no answer
        log.warning("a request fails", exc_info=error)
        return explain(error).wire()


def ms(seconds: float) -> float:
    """`seconds` in milliseconds, as timings are told."""
    return round(seconds * 1000, 3)
