"""The errors that FrameFleet raises on purpose. Vendors' errors are translated into these where they appear.

FrameFleetError                what happened, and what to do; `exit_code` is that of the command
├── UsageError            2    an option that is not valid
├── InputError            2    a video that is missing, unreadable or not a video
│   └── NotStoredError    2    a store has no result of that name, or no such artifact
├── OutputError           2    a place that cannot be written, or that holds another video's document
├── SetupError            1    something is not installed or a model is not the one expected; ends the run
├── CancelledError        1    the caller cancelled it
│   └── Interrupted     130    the user pressed Ctrl-C
├── WorkerError           -    raised on a worker; travels as `{"error": "<type>: <line>"}`
└── FleetError                 something failed between the client and a worker; `advice` is how the client reacts
    ├── AuthError         1    GIVE_UP for the whole run: the key is wrong, or its account has nothing left
    ├── EndpointGoneError 1    GIVE_UP for the whole run: no such endpoint
    ├── AsleepError       1    GIVE_UP for the whole run: the endpoint may have no workers
    ├── UnreachableError  -    RETRY: the network or the service did not answer
    ├── RateLimitedError  -    WAIT: too many requests
    ├── TooLargeError     -    SPLIT: the request or its reply does not fit
    ├── OutOfMemoryError  -    SPLIT: the worker's GPU memory is too small for the batch
    ├── JobLostError      -    RETRY: the service no longer knows the job
    ├── NotDoneError      -    WAIT: the job is still running; only the waiting has ended
    ├── JobTimeoutError   -    RETRY, counted: the worker did not finish in the time the endpoint allows
    ├── JobFailedError    -    RETRY, counted: the worker failed for a reason that may pass
    ├── BadReplyError     -    RETRY, counted: a reply that does not match the request
    ├── StalledError      1    GIVE_UP for the whole run: no progress for a long time, and why
    ├── HopelessError     1    GIVE_UP for the whole run: paid requests keep failing, and why
    ├── BudgetError       2    GIVE_UP for the whole run: it would cost more than allowed (3 if some was answered)
    └── RefusedError      -    GIVE_UP for this request: the worker can never serve it
"""

import re
from enum import StrEnum
from typing import Any


class FrameFleetError(Exception):
    """The base of all. `message` is what happened, `hint` what to do about it, each in one line; `str` has both.

    `code` is stable, for programs and tests: that of the class, or a more specific one.
    """

    exit_code = 1
    ends_run = False  # True: other requests to the same place would fail too
    code = "error"
    usd = 0.0  # what the run that it ended had cost by then

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", cls.__name__.removesuffix("Error")).lower()

    def __init__(self, message: str, *, hint: str | None = None, code: str | None = None) -> None:
        self.message = " ".join(message.split())
        self.hint = None if hint is None else " ".join(hint.split())
        if code is not None:
            self.code = code
        super().__init__(self.message if self.hint is None else f"{self.message}; {self.hint}")

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[FrameFleetError], args: tuple[Any, ...], state: dict[str, Any]) -> FrameFleetError:
    """Return a copy of an error from another process."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def explain(error: BaseException) -> tuple[str, str | None]:
    """Return what happened and what to do about it, a line each; an error that is not ours is reported as a bug.

    The error's notes, such as the cost of a run, are appended to what happened.
    """
    message, hint = f"a fault of this program: {type(error).__name__}: {error}", None
    if isinstance(error, FrameFleetError):
        message, hint = error.message, error.hint
    return " ".join("; ".join([message, *getattr(error, "__notes__", ())]).split()), hint


def describe(error: BaseException) -> str:
    """Return any error as one line: what happened, and what to do about it."""
    return "; ".join(part for part in explain(error) if part)


class UsageError(FrameFleetError):
    exit_code = 2


class InputError(FrameFleetError):
    exit_code = 2


class NotStoredError(InputError):
    pass


class OutputError(FrameFleetError):
    exit_code = 2


class SetupError(FrameFleetError):
    exit_code = 1
    ends_run = True


class CancelledError(FrameFleetError):
    """A cancelled run. Its answers are kept: the same call resumes there."""


class Interrupted(CancelledError):  # noqa: N818 - the user's wish, not an error
    exit_code = 130


class WorkerError(FrameFleetError):
    """A request that the worker cannot serve. `type` comes first on the wire, as the service passes on text alone."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type

    def wire(self) -> dict[str, str]:
        """Return the handler's whole reply."""
        return {"error": f"{self.type}: {self}"}


class Advice(StrEnum):
    """How the client reacts to a `FleetError`."""

    RETRY = "retry"
    SPLIT = "split"
    WAIT = "wait"
    GIVE_UP = "give up"


class FleetError(FrameFleetError):
    advice = Advice.RETRY
    counted = False  # True: the attempt was paid for, so that only a few are made
    kind = ""  # the type of a worker's error, if it is one of ours
    receipt: Any = None  # the `Receipt` of the job that ended so; None: no job is known to have ended

    @property
    def paid(self) -> bool:
        """Whether the request failed after a worker or a paid service had it."""
        ran = self.receipt is not None and self.receipt.execution_ms > 0
        return self.counted or ran or isinstance(self, RefusedError | OutOfMemoryError)

    @property
    def job_over(self) -> bool:
        """Whether the job that was waited for is known to be over, so that it need not be collected."""
        return self.receipt is not None or isinstance(self, JobLostError)


class AuthError(FleetError):
    advice = Advice.GIVE_UP
    ends_run = True


class EndpointGoneError(FleetError):
    advice = Advice.GIVE_UP
    ends_run = True


class AsleepError(FleetError):
    advice = Advice.GIVE_UP
    ends_run = True


class UnreachableError(FleetError):
    advice = Advice.RETRY


class RateLimitedError(FleetError):
    advice = Advice.WAIT
    after_s = 0.0  # how long to wait, if the service gives a time


class TooLargeError(FleetError):
    advice = Advice.SPLIT


class OutOfMemoryError(FleetError):
    advice = Advice.SPLIT


class JobLostError(FleetError):
    advice = Advice.RETRY


class NotDoneError(FleetError):
    advice = Advice.WAIT


class JobTimeoutError(FleetError):
    advice = Advice.RETRY
    counted = True


class JobFailedError(FleetError):
    advice = Advice.RETRY
    counted = True


class BadReplyError(FleetError):
    advice = Advice.RETRY
    counted = True


class StalledError(FleetError):
    advice = Advice.GIVE_UP
    ends_run = True


class HopelessError(FleetError):
    advice = Advice.GIVE_UP
    ends_run = True


class BudgetError(FleetError):
    advice = Advice.GIVE_UP
    ends_run = True
    exit_code = 2


class RefusedError(FleetError):
    advice = Advice.GIVE_UP


_BY_WORKER_TYPE: dict[str, type[FleetError]] = {
    "invalid_input": RefusedError,
    "model_mismatch": RefusedError,
    "unsupported": RefusedError,
    "out_of_memory": OutOfMemoryError,
    "reply_too_large": TooLargeError,
}


def from_worker(text: str) -> FleetError:
    """Return the error for a worker's `"<type>: <line>"`; `JobFailedError` if the type is unknown."""
    kind = text.partition(": ")[0]
    if kind not in _BY_WORKER_TYPE:
        return JobFailedError(text)
    error = _BY_WORKER_TYPE[kind](text)
    error.kind = kind
    return error
