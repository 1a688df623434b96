"""What every endpoint's handler does on a worker: tell a probe from a request, and answer whatever happens."""

from collections.abc import Callable
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


def serve(
    job: dict[str, Any],
    type: type[Message],
    probe: Callable[[], ProbeReply],
    answer: Callable[[Message], msgspec.Struct],
    explain: Callable[[Exception], WorkerError],
) -> dict[str, Any]:
    """The handler's whole reply: `probe()` or `answer(request)`, or `{"error": "<type>: <line>"}`. Never raises.

    `explain` says what an error stands for that is not the worker's own.
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
