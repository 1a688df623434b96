"""What runs a handler on a request: in this thread, or in a process of its own."""

import json
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from framefleet.emulator.endings import Outcome
from framefleet.emulator.ledger import Content
from framefleet.stages.base import Handler


class Runner(Protocol):
    """One worker's. All but `stop` are called from the worker's thread alone."""

    def load(self) -> None:
        """Makes the handler ready. Raises whatever loading it raises."""

    def run(self, job_id: str, input: Content) -> Outcome | None:
        """What comes of the request; None if the worker died of it."""

    def stop(self) -> None:
        """Ends it, whatever it is doing."""


class InThread:
    """A handler of this process. One that has a method `raw` gets the request's JSON as it came."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler

    def load(self) -> None: ...

    def run(self, job_id: str, input: Content) -> Outcome:
        return run(self._handler, job_id, input)

    def stop(self) -> None: ...


def run(handler: Handler, job_id: str, input: Content) -> Outcome:
    """A handler's result as the service's own worker gives it back; `{"error": …}` and exceptions fail the job."""
    raw: Callable[[Content], Any] | None = getattr(handler, "raw", None)
    try:
        result = raw(input) if raw else handler({"id": job_id, "input": msgspec.json.decode(input)})
        if isinstance(result, dict) and "error" in result:
            return Outcome(error=_text(result["error"]))
        return Outcome(output=msgspec.json.encode(result))
    except Exception as error:  # noqa: BLE001 - as the service's own worker does
        # The service sends a traceback too; here it might show what is in a picture.
        told = {"error_type": str(type(error)), "error_message": str(error), "error_traceback": ""}
        return Outcome(error=json.dumps(told))


def _text(error: Any) -> str:
    return error if isinstance(error, str) else json.dumps(error, default=str)
