"""The protocols of a stage: planning, the codec of its requests, merging, and running on this machine.

Planning and merging are pure; the work itself is done by a handler on a worker.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Protocol, Self, TypeVar, runtime_checkable

from framefleet.config.options import Options
from framefleet.media.types import MediaInfo
from framefleet.timebase import Seconds, Span

Handler = Callable[[dict[str, Any]], dict[str, Any]]
"""A function on a worker that takes a job (`{"input": request}`) and returns the reply or
`{"error": "<type>: <line>"}`."""


Prefilter = Callable[[Any], Any]
"""A stage's check of each piece (`Picture`, `Pixels` or `Gap`; `Clip`, of samples) on the client, before anything is
encoded or paid for. It returns the part of the piece that is worth sending, or an `Answer` if nothing has to be sent.
Each run has its own, which is called in the order of time."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do.

    `remote`: requests leave this process, so they are encoded, limited in size, and several are in flight at once.
    `durable`: its jobs continue when this process ends, and another process can attach to them. `billed`: by RunPod's
    rule, so that a budget can stop a run. `probed`: it reports its workers and can wake them, so that a wait can be
    explained. `transports`: the forms in which it takes frames and sound, best first (`media.transport`).
    """

    remote: bool
    durable: bool
    billed: bool
    probed: bool
    transports: tuple[str, ...] = ("jpeg_frames", "opus")


class Needs(Enum):
    """The kind of input that a stage reads."""

    PICTURES = "pictures"
    AUDIO = "audio"


class WorkItem(Protocol):
    """The work of one request, planned before anything is decoded. `number` counts from 0 within its stage."""

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
    """The expected seconds of a worker per unit of work, for estimates: in batches, and one at a time."""

    unit_s: Seconds
    alone_s: Seconds


@dataclass(frozen=True, slots=True)
class RequestBatch(Generic[Request]):
    """A request and the facts of everything it carries: what merging needs to know about each piece, without its bytes.

    A fact (`PictureTime`, `ClipTime`) has an `index` that identifies the planned piece: the sample's index, or the
    chunk's number.
    """

    request: Request
    facts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Answer(Generic[Reply]):
    """A reply and the facts of what it answers: a batch, one frame, or a stretch of sound."""

    facts: tuple[Any, ...]
    reply: Reply


class Planner(Protocol[Item]):
    """The work of a stage, and what it is expected to take.

    Everything is pure, except `plan` and `identity` if the model is a file.
    """

    name: str
    endpoint: str
    needs: Needs
    unit: str

    def of_spans(self, spans: Sequence[Span], count: int) -> Self:
        """Return this stage for `count` pieces of each of these spans instead of the whole video."""

    def plan(self, media: MediaInfo, options: Options, can: Capabilities) -> list[Item]:
        """Return the nominal work: every sample or second of sound once. Raises `UsageError` for impossible options."""

    def pace(self, can: Capabilities) -> Pace:
        """Return the expected times per unit on such a backend."""

    def payload_bytes(
        self,
        items: Sequence[Item],
        media: MediaInfo,
        options: Options,
        can: Capabilities,
    ) -> tuple[int, int]:
        """Return the minimum and maximum of the bytes that all requests are expected to have as JSON."""

    def names(self, item: Item) -> dict[int, str]:
        """Return the name of each piece in the video ("picture 1/2") by index: the same for any fps and batch size."""

    def identity(self, options: Options, can: Capabilities) -> dict[str, Any]:
        """Return all that an answer depends on besides the video and the piece: crop, scale, options, model."""

    def remaining(self, items: Sequence[Item], answered: Container[int], options: Options) -> list[Item]:
        """Return the work that is left once the pieces with these indices are answered."""


class Codec(Protocol[Payload, Request, Reply]):
    """The requests and replies of a stage, and which part of them is about which piece. Pure."""

    name: str

    def about(self, media: MediaInfo, options: Options) -> Self:
        """Return this stage with a `parse` that knows this video's limits: the size of a frame, how many boxes."""

    def prefilter(self, options: Options, can: Capabilities) -> Prefilter | None:
        """Return a new prefilter; None if everything is sent."""

    def pack(self, payload: Payload, media: MediaInfo, options: Options, can: Capabilities) -> RequestBatch[Request]:
        """Return the request that carries `payload`."""

    def split(self, parcel: RequestBatch[Request]) -> list[RequestBatch[Request]]:
        """Return the two halves of a batch that is too large, or the batch alone if it cannot be halved."""

    def payload_count(self, parcel: RequestBatch[Request]) -> int:
        """Return how many frames or clips the request carries: fewer than facts if several share one."""

    def subset(self, parcel: RequestBatch[Request], facts: Sequence[Any]) -> RequestBatch[Request]:
        """Return the batch with only these of its facts."""

    def parse(self, facts: Sequence[Any], output: Any) -> Reply:
        """Return the worker's output, checked against the request; answers may be missing. Raises `FleetError`.

        `checked.py` defines what is accepted, what is clipped and what is refused.
        """

    def part(self, reply: Reply, fact: Any) -> Reply | None:
        """Return the part of a reply that answers one fact; None if it has none."""

    def reindex(self, answer: Answer[Reply], index: int) -> Answer[Reply]:
        """Return the answer about one piece with another index: an earlier run may have numbered it differently."""

    def fact_type(self) -> Any:
        """Return the type of this stage's facts, for reading them from the journal."""

    def reply_type(self) -> type[Reply]:
        """Return the type of this stage's replies, for reading them from the journal."""

    def count(self, reply: Reply) -> int:
        """Return how many objects, segments, … the reply holds, for the progress display."""


class Merger(Protocol[Reply, Result]):
    """The step from answers to a result. Pure."""

    def merge(
        self, media: MediaInfo, options: Options, answers: Sequence[Answer[Reply]], unanswered: Sequence[Any] = ()
    ) -> Result:
        """Merge all answers, in any order, into one result on the video's clock and in source pixels.

        `unanswered` are the facts of the requests that got no answer.
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
        """Return the document's form of the result. `kept` is from the last run; `whole`: everything was answered."""


class OnThisMachine(Protocol):
    """The stage's own handler, for runs without an endpoint."""

    def missing(self, options: Options) -> str | None:
        """Return what must be installed, fetched or set before the stage can run here, and how; None: nothing."""

    def open_handler(self, options: Options) -> Handler:
        """Load this machine's model and return the stage's handler on it. Raises `SetupError`."""


@runtime_checkable
class ChoosesModel(Protocol):
    """A stage with several models for this machine, some of which are fetched by name. Not every stage is one."""

    def model_pace(self, options: Options) -> Pace:
        """Return the expected time per unit with the model."""

    def lacks_model(self, options: Options) -> bool:
        """Return whether the model has to be fetched before `open_handler`."""

    def fetch_model(self, options: Options, tell: Callable[[str], object]) -> None:
        """Fetch the model; `tell` gets lines for the user. Raises `SetupError` that says what else to use."""

    def model_name(self, options: Options) -> str:
        """Return the model's name, or its file."""

    def model_remark(self, options: Options) -> str | None:
        """Return what follows the model's name in a line, such as why it is not a better one; None: nothing."""


@runtime_checkable
class UsesFeatures(Protocol):
    """A stage whose requests may have parts that older workers ignore. Not every stage is one."""

    def features(self, options: Options) -> frozenset[str]:
        """Return the features of a worker that these options need. Each has the name of its option."""


class Stage(Planner[Any], Codec[Any, Any, Any], Merger[Any, Any], OnThisMachine, Protocol):
    """A stage of the fleet with all its parts. Implementations are immutable.

    Code that works with a stage should accept only the part that it needs.
    """
