"""What the scenes stage declares."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from framefleet.config.options import Sampling, Setting, StageOptions
from framefleet.schema.results import FoundSpan
from framefleet.schema.scenes import SceneEntry
from framefleet.stages.spec import Belongs, Frames, PerSecond, ResultKind, StageSpec, View, Watching

if TYPE_CHECKING:
    from framefleet.stages.scene import Scene
    from framefleet.stages.scenes.stage import ScenesStage

RATE = Fraction(5)
"""Pictures a second. A cut lies between two of them, so its time is right to 1 / RATE = 0.2 s whatever the video's own
rate, constant or variable; fewer could not promise that, and more would only have the decode give up what it skips."""

MAX_SIDE = 96
"""Pixels. Small pictures blur motion away and keep cuts: of 156 hard cuts among photographs and footage, still and
panned, 151 were found at 96 with none false; at 256 and with the library's own window and ratio 136, and 11 false."""


class SceneOptions(StageOptions, frozen=True, kw_only=True):
    """Rate and size are what cuts were measured to be found at."""

    sampling: Annotated[Sampling | None, Setting("exact frames, or the nearest keyframes", "exact|keyframes")] = None


def _load() -> "ScenesStage":
    from framefleet.stages.scenes.stage import ScenesStage

    return ScenesStage()


def spans(scenes: "Iterable[Scene | SceneEntry]") -> Iterator[FoundSpan]:
    for scene in scenes:
        yield FoundSpan(start_s=scene.start_s, end_s=scene.end_s, label=f"scene {scene.index}")


SCENES = StageSpec(
    name="scenes",
    inputs=(Frames(PerSecond(float(RATE)), view=View(max_side=MAX_SIDE)),),
    options=SceneOptions,
    runs=Watching(_load),
    output=ResultKind("scenes", spans, Sequence[SceneEntry], key="scenes"),
    belongs=Belongs.DEFAULT,
)
