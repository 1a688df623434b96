"""What an analysis is: planned purely, packed into requests, handled on a worker, merged purely."""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from framefleet.config.options import Options
from framefleet.media.types import MediaInfo
from framefleet.timebase import Seconds, Span

Handler = Callable[[dict[str, Any]], dict[str, Any]]
"""What runs on a worker: the job (`{"input": request}`) in, the reply or `{"error": "<type>: <line>"}` out."""


Prefilter = Callable[[Any], Any]
"""How a stage looks at each piece (`Picture`, `Pixels` or `Gap`; `Clip`, of samples) on the client before anything is
encoded or paid for. Out comes as much of the piece as is worth asking about, or an `Answer`, for which nobody has to be
asked. One run's, called in the order of time."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What has to be known of a backend, whichever it is.

    `remote`: requests leave this process, so they are encoded, of bounded size, and asked several at once. `durable`:
    its jobs go on when this process ends, and another one can attach to them. `billed`: by RunPod's rule, so that a
    budget can stop a run. `probed`: it tells of its workers and can be woken, so that a wait can be explained.
    `transports`: the forms in which it takes pictures and sound, the best first (`media.transport`).
    """

    remote: bool
    durable: bool
    billed: bool
    probed: bool
    transports: tuple[str, ...] = ("jpeg_frames", "opus")


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
Request = TypeVar("Request")
Reply = TypeVar("Reply")
Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True, slots=True)
class Pace:
    """What a unit of work is expected to take, for estimates: a worker's seconds batched, and one at a time."""

    unit_s: Seconds
    alone_s: Seconds


@dataclass(frozen=True, slots=True)
class RequestBatch(Generic[Request]):
    """A request and the facts of all that it carries: what merging needs to know of each piece, without its bytes.

    A fact (`PictureTime`, `ClipTime`) has an `index`, which says which planned piece it is: the sample's, or the
    chunk's number.
    """

    request: Request
    facts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer(Generic[Reply]):
    """A reply and the facts of what it answers: of a batch, of one picture, of a stretch of sound."""

    facts: tuple[Any, ...]
    reply: Reply


class Planner(Protocol[Item]):
    """What there is to do, and what that is expected to take.

    All is pure but `plan` and `identity` where a model is a file.
    """

    name: str
    endpoint: str
    needs: Needs
    unit: str

    def of_spans(self, spans: Sequence[Span], count: int) -> Self:
        """This stage, about `count` pieces of each of these spans instead of the whole video."""

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[Item]:
        """The work, nominally: every sample or second of sound once. Raises `UsageError` for what cannot be."""

    def pace(self, can: Capabilities) -> Pace:
        """Expected times a unit there, with the observation they come from."""

    def payload_bytes(
        self,
        items: Sequence[Item],
        media: MediaInfo,
        options: Options,
        can: Capabilities,
    ) -> tuple[int, int]:
        """Least and most bytes that all the requests are expected to have as JSON."""

    def names(self, item: Item) -> dict[int, str]:
        """What each piece of the item is in the video ("picture 1/2"), by index: the same for any fps and batch."""

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        """All that an answer depends on besides the video and the piece: crop, scale, options, model."""

    def remaining(self, items: Sequence[Item], answered: Container[int], options: Options) -> list[Item]:
        """The work that is left when the pieces with these indices are answered already."""


class Codec(Protocol[Payload, Request, Reply]):
    """What is sent, what comes back, and which part of it is about which piece. Pure."""

    name: str

    def about(self, media: MediaInfo, options: Options) -> Self:
        """This stage, whose `parse` also knows what is asked of this video: where a picture ends, how many boxes."""

    def prefilter(self, options: Options, can: Capabilities) -> Prefilter | None:
        """A new one; None where everything is asked about."""

    def pack(self, payload: Payload, media: MediaInfo, options: Options, can: Capabilities) -> RequestBatch[Request]:
        """The request that carries `payload`."""

    def split(self, parcel: RequestBatch[Request]) -> list[RequestBatch[Request]]:
        """Two halves of a parcel that is too large, or the parcel alone if it cannot be halved."""

    def payload_count(self, parcel: RequestBatch[Request]) -> int:
        """How many pictures or clips the request carries: fewer than facts where one carries for several."""

    def subset(self, parcel: RequestBatch[Request], facts: Sequence[Any]) -> RequestBatch[Request]:
        """The parcel with these of its facts alone."""

    def parse(self, facts: Sequence[Any], output: Any) -> Reply:
        """The worker's output, checked against what was asked; it may lack some of it. Raises `FleetError`.

        What may be in it, what is cut to that and what is refused, is in `checked.py`.
        """

    def part(self, reply: Reply, fact: Any) -> Reply | None:
        """As much of a reply as answers one fact; None if it does not."""

    def reindex(self, answer: Answer[Reply], index: int) -> Answer[Reply]:
        """An answer of one piece, kept from a run that counted otherwise, with this run's index."""

    def fact_type(self) -> Any:
        """The type of this stage's facts, for reading them back."""

    def reply_type(self) -> type[Reply]:
        """The type of this stage's replies, for reading them back."""

    def count(self, reply: Reply) -> int:
        """How many objects, segments, … the reply holds: for a person watching."""


class Merger(Protocol[Reply, Result]):
    """From answers to a result. Pure."""

    def merge(
        self, media: MediaInfo, options: Options, answers: Sequence[Answer[Reply]], unanswered: Sequence[Any] = ()
    ) -> Result:
        """All answers as one result on the video's clock and in source pixels, whatever order they came in.

        `unanswered` are the facts of what was asked in vain.
        """


@dataclass(frozen=True, slots=True)
class Recalled(Generic[Reply]):
    """A result with what was remembered of earlier runs on the video, what to remember next, and notes to a person."""

    result: Reply
    kept: bytes
    notes: Sequence[str] = ()


@runtime_checkable
class Remembering(Protocol):
    """A stage that the journal keeps something for from one run on a video to the next."""

    def recall(self, result: Any, kept: bytes | None, options: Options, *, whole: bool) -> Recalled[Any]:
        """The result as the document gets it. `kept` is of the last run; `whole`: all that was asked is answered."""


class OnThisMachine(Protocol):
    """The stage's own handler, where there is no endpoint."""

    def missing(self, options: Options) -> str | None:
        """What has to be installed, fetched or set before the stage can run on this machine, and how; None: nothing."""

    def open_handler(self, options: Options) -> Handler:
        """The stage's own handler on this machine's model, loaded now. Raises `SetupError`."""


class Stage(Planner[Any], Codec[Any, Any, Any], Merger[Any, Any], OnThisMachine, Protocol):
    """An analysis of the fleet, all its parts in one. Implementations are immutable.

    Who works with a stage takes the part that it needs.
    """
