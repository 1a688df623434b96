"""The end of a job after its handler has run: by its result, by a limit of the service, or by a fault."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from framefleet.emulator import limits
from framefleet.emulator.faults import Fault
from framefleet.emulator.queue import JobState


@dataclass(frozen=True, slots=True)
class HandlerOutcome:
    """What a handler returned: its result as JSON, and its error, if there is one, as text or a dict.

    `refresh`: the worker stops after this job, so that the next one gets a new worker.
    """

    output: bytes | None = None
    error: Any = None
    refresh: bool = False


class Ending(NamedTuple):
    state: JobState
    output: bytes | None = None
    error: Any = None


LOST_RESULT = Ending(JobState.FAILED, error="the result could not be returned")


def ending(outcome: HandlerOutcome, faults: frozenset[Fault], coin: bool) -> Ending:
    """Return how the job ends. `coin` decides for a fault that shows in one of two ways."""
    if Fault.FAILED in faults:
        return Ending(JobState.FAILED, error="emulated: the worker failed")
    if Fault.TIMED_OUT in faults:
        return Ending(JobState.TIMED_OUT, error="job timed out: emulated")
    if Fault.TOO_LARGE in faults:
        return LOST_RESULT if coin else Ending(JobState.COMPLETED)
    if outcome.error is not None:
        return Ending(JobState.FAILED, outcome.output, outcome.error)
    if Fault.NO_OUTPUT in faults or _too_large(outcome.output):
        return Ending(JobState.COMPLETED)  # a worker only logs that its result was rejected
    return Ending(JobState.COMPLETED, _halved(outcome.output) if Fault.HALF in faults else outcome.output)


def _too_large(output: bytes | None) -> bool:
    return output is not None and len(output) > limits.RESULT


def _halved(output: bytes | None) -> bytes | None:
    """Return a reply about frames without the later half of them, and any other unchanged."""
    reply: Any = None if output is None else msgspec.json.decode(output)
    if not isinstance(reply, dict) or not isinstance(reply.get("frames"), list):
        return output
    reply["frames"] = reply["frames"][: len(reply["frames"]) // 2]
    return msgspec.json.encode(reply)
