"""A stage's declaration: its inputs, options, how it runs, its result and which runs it is part of.

A declaration is cheap: it holds the function that loads the stage, and loads nothing itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from msgspec.structs import fields, replace

from framefleet.config.options import Options, StageOptions
from framefleet.schema.document import Crop
from framefleet.schema.results import FoundSpan

if TYPE_CHECKING:
    from framefleet.stages.base import Stage
    from framefleet.stages.client import DerivingStage, WatchingStage

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
class ResultKind(Generic[Found]):
    """A stage's result, and the spans in it.

    `key` is the document's own field for it; a result without one is in `results` under the stage's name. `spans`
    feeds search, counts, tables, scenes and the report. `label` is the word for it in output, such as "seen", and
    `scene_field` its name in a scene's entry (None: scenes leave it out).
    """

    label: str
    spans: Callable[[Found], Iterable[FoundSpan]]
    type: Any
    key: str | None = None
    scene_field: str | None = None


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
    """The declaration of one analysis. The protocols of its code are in `base.py` (`Stage`) and `client.py`."""

    name: str
    inputs: tuple[Frames | Audio | Result, ...]
    runs: Remote | Watching | Deriving
    output: ResultKind[Any]
    options: type[StageOptions] = StageOptions
    belongs: Belongs = Belongs.BY_NAME
    prefilter: str = "the prefilter"  # the name of its prefilter in messages
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
