"""The events of a run in progress, for listeners such as a progress bar or a web page."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class _Event:
    """The base of events. `video` is the video it belongs to, and `time_s` its time, in seconds since 1970."""

    video: Path | None = field(default=None, kw_only=True, compare=False, repr=False)
    time_s: Seconds = field(default=0.0, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StageStarted(_Event):
    """A stage has started, with `total` work items of `units` frames or seconds of sound in all.

    `known` are the units that were answered before.
    """

    stage: str
    backend: str
    total: int
    units: float
    unit: str  # "frames" or "s"
    known: float = 0


@dataclass(frozen=True, slots=True)
class ItemDone(_Event):
    """A request is answered: `units` of work in `seconds` of wall time, with `found` objects or segments."""

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
    """A message for the user, in one line."""

    text: str


Event = StageStarted | ItemDone | ItemFailed | StageDone | Notice
Listener = Callable[[Event], None]


def silent(_event: Event) -> None:
    """Ignore the event."""
