"""What an analysis is: planned purely, packed into requests, handled on a worker, merged purely."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from framefleet.config import Backend, Options
from framefleet.media.info import MediaInfo
from framefleet.units import Seconds

Handler = Callable[[dict[str, Any]], dict[str, Any]]
"""What runs on a worker: the job (`{"input": request}`) in, the reply or `{"error": "<type>: <line>"}` out."""


class Needs(Enum):
    """What a stage reads."""

    PICTURES = "pictures"
    AUDIO = "audio"


class WorkItem(Protocol):
    """One request's worth of work, planned before anything is decoded. `number` counts from 0 within its stage."""

    @property
    def number(self) -> int: ...
    @property
    def units(self) -> float: ...


Item = TypeVar("Item", bound=WorkItem)
Payload = TypeVar("Payload", contravariant=True)
Request = TypeVar("Request", bound=msgspec.Struct)
Reply = TypeVar("Reply", bound=msgspec.Struct)
Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a unit of work is expected to take, for estimates: a worker's seconds batched, and one at a time."""

    unit_s: Seconds
    alone_s: Seconds


@dataclass(frozen=True, slots=True)
class Answer(Generic[Reply]):
    """A reply and what was asked: `facts` are the payload's times (`PictureTime`s of a batch, the `Span` of a clip)."""

    facts: Any
    reply: Reply


class Stage(Protocol[Item, Payload, Request, Reply, Result]):
    """An analysis of the fleet. Implementations are stateless; every method but `open_handler` is pure."""

    name: str
    endpoint: str
    needs: Needs
    unit: str

    def plan(self, media: MediaInfo, options: Options, backend: Backend) -> list[Item]:
        """The work, nominally: every sample or second of sound once. Raises `UsageError` for what cannot be."""

    def pace(self, backend: Backend) -> Pace:
        """Expected times a unit there, with the observation they come from."""

    def payload_bytes(
        self, items: Sequence[Item], media: MediaInfo, options: Options, backend: Backend
    ) -> tuple[int, int]:
        """Least and most bytes that all the requests are expected to have as JSON."""

    def pack(self, payload: Payload, media: MediaInfo, options: Options, backend: Backend) -> Request:
        """The request that carries `payload`."""

    def facts(self, payload: Payload) -> Any:
        """What merging needs to know of the payload, without its bytes."""

    def split(self, request: Request) -> list[Request]:
        """Two halves of a request that is too large, or the request alone if it cannot be halved."""

    def join(self, replies: Sequence[Reply]) -> Reply:
        """The reply to a request from the replies to its parts, in their order."""

    def parse(self, request: Request, output: Any) -> Reply:
        """The worker's output, checked against what was asked. Raises `FleetError`."""

    def count(self, reply: Reply) -> int:
        """How many objects, segments, … the reply holds: for a person watching."""

    def open_handler(self, options: Options) -> Handler:
        """The stage's own handler on this machine's model, loaded now. Raises `SetupError`."""

    def merge(self, media: MediaInfo, options: Options, answers: Sequence[Answer[Reply]]) -> Result:
        """All answers as one result on the video's clock and in source pixels, whatever order they came in."""
