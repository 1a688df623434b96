"""Every error FrameFleet raises on purpose. Vendors' errors are translated into these where they appear.

FrameFleetError                what happened, and what to do; `exit_code` is what the command ends with
├── UsageError            2    an option that makes no sense
├── InputError            2    a video that is missing, unreadable or not a video
│   └── NotStoredError    2    a store has no result of that name, or no such artifact
├── OutputError           2    a place that cannot be written, or that holds another video's document
├── SetupError            1    something is not installed or a model is not the one expected; ends the run
├── CancelledError        1    whoever asked cancelled it
│   └── Interrupted     130    a person pressed Ctrl-C
├── WorkerError           -    raised on a worker; travels as `{"error": "<type>: <line>"}`
└── FleetError                 something went wrong between the client and a worker; `advice` says what to do
    ├── AuthError         1    GIVE_UP for the whole run: the key is wrong, or its account has nothing left
    ├── EndpointGoneError 1    GIVE_UP for the whole run: no such endpoint
    ├── AsleepError       1    GIVE_UP for the whole run: the endpoint may have no workers
    ├── UnreachableError  -    RETRY: the network or the service did not answer
    ├── RateLimitedError  -    WAIT: too many requests
    ├── TooLargeError     -    SPLIT: the request or its reply does not fit
    ├── OutOfMemoryError  -    SPLIT: the worker's GPU memory is too small for the batch
    ├── JobLostError      -    RETRY: the service no longer knows the job
    ├── NotDoneError      -    WAIT: the job is still at work; only the waiting has ended
    ├── JobTimeoutError   -    RETRY, counted: the worker did not finish in the time the endpoint allows
    ├── JobFailedError    -    RETRY, counted: the worker failed for a reason that may pass
    ├── BadReplyError     -    RETRY, counted: an answer that is not an answer to what was asked
    ├── StalledError      1    GIVE_UP for the whole run: nothing has moved for a long time, and why
    ├── HopelessError     1    GIVE_UP for the whole run: nothing good comes of what is paid for, and why
    ├── BudgetError       2    GIVE_UP for the whole run: it would cost more than allowed (3 where some was answered)
    └── RefusedError      -    GIVE_UP for this request: the worker says it can never serve it
"""

import re
from enum import StrEnum
from typing import Any


class FrameFleetError(Exception):
    """Base of all. `message` says what happened, `hint` what to do about it, each in one line; `str` has both.

    `code` is stable, for programs and tests: that of the class, or a closer one.
    """

    exit_code = 1
    ends_run = False  # True: nothing else of the same kind can succeed either
    code = "error"

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
    """An error as it was in another process."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


def explain(error: BaseException) -> tuple[str, str | None]:
    """Return what happened and what to do about it, a line each: of an error that is not ours, the bug that it is.

    Its notes, such as what a run has cost, stand behind what happened.
    """
    message, hint = f"a fault of this program: {type(error).__name__}: {error}", None
    if isinstance(error, FrameFleetError):
        message, hint = error.message, error.hint
    return " ".join("; ".join([message, *getattr(error, "__notes__", ())]).split()), hint


def describe(error: BaseException) -> str:
    """Return any error in one line: what happened, and what to do about it."""
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
    """What is answered by then is kept: the same call goes on from there."""


class Interrupted(CancelledError):  # noqa: N818 - a person's wish, not an error
    exit_code = 130


class WorkerError(FrameFleetError):
    """A request the worker cannot serve. `type` goes first on the wire: only the text survives the service."""

    def __init__(self, type: str, message: str) -> None:
        super().__init__(message)
        self.type = type

    def wire(self) -> dict[str, str]:
        """The handler's whole reply."""
        return {"error": f"{self.type}: {self}"}


class Advice(StrEnum):
    """What the client does about a `FleetError`."""

    RETRY = "retry"
    SPLIT = "split"
    WAIT = "wait"
    GIVE_UP = "give up"


class FleetError(FrameFleetError):
    advice = Advice.RETRY
    counted = False  # True: the worker was paid for the attempt, so there are only a few of them
    kind = ""  # of what a worker says, the type where it is one of ours
    receipt: Any = None  # the `Receipt` of the job that ended so; None: none is known to have ended

    @property
    def paid(self) -> bool:
        """Whether a worker, or whoever is paid for it, has had the request in vain."""
        ran = self.receipt is not None and self.receipt.execution_ms > 0
        return self.counted or ran or isinstance(self, RefusedError | OutOfMemoryError)

    @property
    def job_over(self) -> bool:
        """Whether the job that was waited for is known to be over, so that there is nothing left to ask it for."""
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
    after_s = 0.0  # how long to wait, where the service says so


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
    """The error that a worker's `"<type>: <line>"` stands for; `JobFailedError` where the type is unknown."""
    kind = text.partition(": ")[0]
    if kind not in _BY_WORKER_TYPE:
        return JobFailedError(text)
    error = _BY_WORKER_TYPE[kind](text)
    error.kind = kind
    return error
