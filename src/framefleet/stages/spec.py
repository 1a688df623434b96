"""A stage's declaration: its inputs, options, how it runs, its result and which runs it is part of.

A declaration is cheap: it holds the function that loads the stage, and loads nothing itself.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec.structs import fields, replace

from framefleet.config.options import Options, StageOptions
from framefleet.schema.document import Crop, Document
from framefleet.schema.results import FoundSpan
from framefleet.stages.scene import Scene
from framefleet.timebase import Seconds

if TYPE_CHECKING:
    from framefleet.media.types import MediaInfo
    from framefleet.stages.base import Capabilities, Stage
    from framefleet.stages.client import DerivingStage, WatchingStage
    from framefleet.stages.finding import Finder, FinderRequest

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class PerSecond:
    """Samples at `fps` per second of video; None: at `--fps`."""

    fps: float | None = None


@dataclass(frozen=True, slots=True)
class PerSpan:
    """`count` samples of each span that another stage found, such as each scene, evenly spread over it."""

    stage: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class View:
    """The size and quality of frames; None: as in the options for all stages."""

    max_side: int | None = None
    jpeg_quality: int | None = None


@dataclass(frozen=True, slots=True)
class Frames:
    """Frames as input: which ones, cropped and scaled how. Options that are set for the stage take precedence."""

    sampling: PerSecond | PerSpan = PerSecond()
    crop: Crop | None = None
    view: View = View()


@dataclass(frozen=True, slots=True)
class Audio:
    """The whole sound as input, in clips."""


@dataclass(frozen=True, slots=True)
class Result:
    """Another stage's result as input."""

    stage: str


@dataclass(frozen=True, slots=True)
class Remote:
    """A stage that runs on an endpoint of this kind, or by its own handler on this machine."""

    endpoint: str
    load: "Callable[[], Stage]"

    @property
    def stage(self) -> "Stage":
        stage: Stage = _loaded(self.load)
        return stage


@dataclass(frozen=True, slots=True)
class Watching:
    """A stage that watches frames on the client, on the decode that all stages share."""

    load: "Callable[[], WatchingStage[Any]]"

    @property
    def stage(self) -> "WatchingStage[Any]":
        stage: WatchingStage[Any] = _loaded(self.load)
        return stage


@dataclass(frozen=True, slots=True)
class Deriving:
    """A stage that works on the client, on the results of other stages."""

    load: "Callable[[], DerivingStage[Any]]"

    @property
    def stage(self) -> "DerivingStage[Any]":
        stage: DerivingStage[Any] = _loaded(self.load)
        return stage


@cache
def _loaded(load: Callable[[], Any]) -> Any:
    return load()


@dataclass(frozen=True, slots=True)
class Finds:
    """A finder that a stage offers to code that decodes every frame itself, as redaction does.

    `labels` returns what it can find with a run's options, and loads no model, because all finders are asked before one
    is chosen; it raises `UsageError` for a model that there is not. `load` loads it; it raises `SetupError` where the
    model is missing.
    """

    labels: "Callable[[Options], Sequence[str]]"
    load: "Callable[[FinderRequest], Finder]"


CellType = type[int] | type[float] | type[str] | type[bool]

BOX_COLUMNS: dict[str, CellType] = {"x1_px": float, "y1_px": float, "x2_px": float, "y2_px": float}


@dataclass(frozen=True, slots=True)
class Table:
    """`columns` by name with what is in their cells, any of which may be None."""

    columns: Mapping[str, CellType]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on a timeline, and what else is known of it."""

    name: str
    start_s: Seconds
    end_s: Seconds
    more: Mapping[str, Any]


def span_table(spans: Iterable[FoundSpan]) -> Table:
    """Return the table of a stage that declares none."""
    columns: dict[str, CellType] = {"start_s": float, "end_s": float, "label": str, "text": str, "confidence": float}
    return Table(columns, [(s.start_s, s.end_s, s.label, s.text, s.confidence) for s in spans])


def span_marks(spans: Iterable[FoundSpan]) -> Iterator[Mark]:
    """Return the marks of a stage that declares none."""
    for one in spans:
        yield Mark(one.name, one.start_s, one.end_s, {"confidence": one.confidence})


@dataclass(frozen=True, slots=True)
class Marks(Generic[Found]):
    """How a result stands on a timeline; without `of`, its spans do.

    `color` is one of OpenTimelineIO's. `order`: whose marks come first, of those that begin and end together.
    `at_end`: what is marked is still there at its end, as a track is.
    """

    of: Callable[[Found], Iterable[Mark]] | None = None
    color: str = "PINK"
    order: int = 100
    at_end: bool = False


class Presentation(Enum):
    """How the summary and `framefleet show` present a result; results are presented in this order."""

    FRAMES = "by label, in how many boxes"
    """Of `Detection`s."""
    SPANS = "by name, how long each lasted"
    STARTS = "how many there are, and when the first begin"
    WORDS = "the first words"
    """Of a `Transcription`."""
    LINE = "a line of its own"
    """What `ResultKind.line` says."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A column of a table of what was found; the `main` one says what it is. See `cli.output.table.Column`."""

    title: str
    cell: Callable[[Any], str]
    main: bool = False
    right: bool = False
    rank: int = 0
    least: int | None = None
    most: int = 1000


def confidence(one: Any) -> str:
    return "" if one.confidence is None else f"{one.confidence:.2f}"


def box(one: Any) -> str:
    return ", ".join(f"{edge:.0f}" for edge in one.box)


BOX_TITLE = "left, top, right, bottom"


SPAN_COLUMNS = (
    Shown("what", lambda one: str(one.name), main=True),
    Shown("confidence", confidence, right=True, rank=1),
)


@dataclass(frozen=True, slots=True)
class Search:
    """An option of `framefleet show` that searches one stage's result.

    `find` looks for what is asked in the result and the document, if that is not by the names and texts of spans.
    `names`: it takes one of the names that there are, and not any text. What is found are `items`, one for each span
    (without it, those), or what the way of telling makes of the result. `columns` follow the times.
    """

    option: str
    metavar: str
    help: str
    names: bool = False
    items: Callable[[Any], Sequence[Any]] | None = None
    columns: tuple[Shown, ...] = SPAN_COLUMNS
    find: Callable[[Any, Document, str], Sequence[Any]] | None = None


@dataclass(frozen=True, slots=True)
class ResultKind(Generic[Found]):
    """A stage's result, and the spans in it.

    `key` is the document's own field for it; a result without one is in `results` under the stage's name. `spans`
    feeds search, counts, tables, scenes and the report. `label` is the word for it in output, such as "seen", and
    `scene_field` its name in a scene's entry (None: scenes leave it out).

    `tables` are the tables of a tables export, by name, from the result and, for what other stages found, from the
    document; without it, a table of the spans. `marks` is its form on timelines (None: left out), `presentation`
    that in the summary (None: left out), `search` how it is searched, in addition to `--find`. `counted` are labels
    of what it made of another stage's result: the summary counts them next to that stage's own.

    `unanswered`: the document has the result even if no request was answered. `absent` is the result for a video
    without the stage's input (None: null). `gathers`: the result is scenes, and each entry sums up what other
    stages found in it. `in_scenes` gives a result's part in each scene, if that is not the names of its spans, from
    the scenes, the result and the sampling by which frames count; for a result without a field, a list of texts for
    each. `line` is the summary's line of a result that is `Presentation.LINE`. `amends` is another stage, and its
    result with what this one adds to it. `with_scenes` returns the result as the document has it, by scenes ([]:
    none are known), for a stage that measures what it watches before scenes are known.
    """

    label: str
    spans: Callable[[Found], Iterable[FoundSpan]]
    type: Any
    key: str | None = None
    scene_field: str | None = None
    tables: Callable[[Found, Document], Mapping[str, Table]] | None = None
    marks: Marks[Found] | None = Marks()
    presentation: Presentation | None = Presentation.SPANS
    search: Search | None = None
    counted: Callable[[Found], Iterable[str]] | None = None
    unanswered: bool = False
    absent: "Callable[[MediaInfo], Found] | None" = None
    gathers: bool = False
    in_scenes: Callable[[Sequence[Scene], Found | None, str], Sequence[Any]] | None = None
    line: Callable[[Found], str] | None = None
    amends: tuple[str, Callable[[Any, Found], Any]] | None = None
    with_scenes: Callable[[Found, Sequence[Scene]], Found] | None = None


class Belongs(Enum):
    """The runs that a stage is part of."""

    DEFAULT = "default"
    """Runs that name no stages."""
    ALL = "all"
    """Runs with `--stages all`: stages that need no account and are not expensive."""
    BY_NAME = "name"
    """Runs that name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """The declaration of one analysis. The protocols of its code are in `base.py` (`Stage`) and `client.py`.

    `config` gives the stage's part of the document's configuration, from the options, the backend's capabilities and
    the first reply by a model (None without one). For a result with its own field these are fields of the
    configuration; for others they are under `stages`, with the options that were set.
    """

    name: str
    inputs: tuple[Frames | Audio | Result, ...]
    runs: Remote | Watching | Deriving
    output: ResultKind[Any]
    options: type[StageOptions] = StageOptions
    belongs: Belongs = Belongs.BY_NAME
    prefilter: str = "the prefilter"  # the name of its prefilter in messages
    config: "Callable[[Options, Capabilities, Any], Mapping[str, Any]] | None" = None
    along_with: str | None = None  # the stage without which it is only part of runs that name it
    private: bool = False  # its answers are about a person, so that only the journal's owner may read the journal
    finder: Finds | None = None  # what finds the same in any frame, on this machine
    unfiltered: str | None = None  # how to turn its prefilter off, and the price of that, if it is slow

    @property
    def needs(self) -> tuple[str, ...]:
        """The stages whose results it needs."""
        named = [each.stage for each in self.inputs if isinstance(each, Result)]
        return tuple(dict.fromkeys([*named, *([self.per_span.stage] if self.per_span else [])]))

    @property
    def frames(self) -> Frames | None:
        return next((each for each in self.inputs if isinstance(each, Frames)), None)

    @property
    def hears(self) -> bool:
        return any(isinstance(each, Audio) for each in self.inputs)

    @property
    def per_span(self) -> PerSpan | None:
        frames = self.frames
        return frames.sampling if frames is not None and isinstance(frames.sampling, PerSpan) else None

    def options_for(self, options: Options) -> Options:
        """Return the options for this stage: those set for it, else those it declares, else the general ones."""
        frames, own = self.frames, options.own.get(self.name)
        given: dict[str, Any] = {}
        if frames is not None:
            rate = frames.sampling.fps if isinstance(frames.sampling, PerSecond) else None
            given = {"fps": rate, "crop": frames.crop}
            given |= {"max_side": frames.view.max_side, "jpeg_quality": frames.view.jpeg_quality}
        if own is not None:
            shared = [field.name for field in fields(own) if field.name in Options.__struct_fields__]
            given |= {name: value for name in shared if (value := getattr(own, name)) is not None}
        given = {name: value for name, value in given.items() if value is not None}
        return replace(options, **given) if given else options
