"""What a run tells while it goes. A progress bar and a web page are two listeners; a run does not know which listen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class _Event:
    """`video` is which it is about, and `time_s` when it came, in seconds since 1970."""

    video: Path | None = field(default=None, kw_only=True, compare=False, repr=False)
    time_s: Seconds = field(default=0.0, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StageStarted(_Event):
    """`total` work items of `units` pictures or seconds of sound in all, besides the `known` ones answered before."""

    stage: str
    backend: str
    total: int
    units: float
    unit: str  # "frames" or "s"
    known: float = 0


@dataclass(frozen=True, slots=True)
class ItemDone(_Event):
    """One request answered: `units` of work in `seconds` of wall time, with `found` objects or segments in it."""

    stage: str
    number: int
    units: float
    found: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ItemFailed(_Event):
    stage: str
    number: int
    units: float
    error: str


@dataclass(frozen=True, slots=True)
class StageDone(_Event):
    stage: str


@dataclass(frozen=True, slots=True)
class Notice(_Event):
    """Something a person should know, in one line."""

    text: str


Event = StageStarted | ItemDone | ItemFailed | StageDone | Notice
Listener = Callable[[Event], None]


def silent(_event: Event) -> None:
    """The listener that does not listen."""
