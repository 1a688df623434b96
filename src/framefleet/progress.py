"""What a run tells while it goes. A progress bar and a web page are two listeners; a run does not know which listen."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageStarted:
    """`total` work items of `units` pictures or seconds of sound in all, besides the `known` ones answered before."""

    stage: str
    backend: str
    total: int
    units: float
    unit: str  # "frames" or "s"
    known: float = 0


@dataclass(frozen=True, slots=True)
class ItemDone:
    """One request answered: `units` of work in `seconds` of wall time, with `found` objects or segments in it."""

    stage: str
    number: int
    units: float
    found: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ItemFailed:
    stage: str
    number: int
    units: float
    error: str


@dataclass(frozen=True, slots=True)
class StageDone:
    stage: str


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know, in one line."""

    text: str


Event = StageStarted | ItemDone | ItemFailed | StageDone | Notice
Listener = Callable[[Event], None]


def silent(_event: Event) -> None:
    """The listener that does not listen."""
