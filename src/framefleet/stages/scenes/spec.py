"""The declaration of the scenes stage."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated

from framefleet.config.options import Sampling, Setting, StageOptions
from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.schema.scenes import SceneEntry
from framefleet.stages.spec import (
    Belongs,
    CellType,
    Frames,
    Mark,
    Marks,
    PerSecond,
    Presentation,
    ResultKind,
    StageSpec,
    Table,
    View,
    Watching,
)

if TYPE_CHECKING:
    from framefleet.stages.scene import Scene
    from framefleet.stages.scenes.stage import ScenesStage

RATE = Fraction(5)
"""Samples per second. A cut lies between two of them, so its time is exact to 1 / RATE = 0.2 s whatever the video's own
rate, constant or variable. A lower rate could not guarantee that, and a higher one would decode frames that can be
skipped."""

MAX_SIDE = 96
"""Pixels. Small frames blur motion and keep cuts: of 156 hard cuts among photographs and footage, still and panned, 151
were found at 96 with none false; at 256 and with the library's own window and ratio 136, and 11 false."""


class SceneOptions(StageOptions, frozen=True, kw_only=True):
    """The options of the scenes stage. Rate and size are fixed, at values for which detection was measured."""

    sampling: Annotated[Sampling | None, Setting("exact frames, or the nearest keyframes", "exact|keyframes")] = None


def _load() -> "ScenesStage":
    from framefleet.stages.scenes.stage import ScenesStage

    return ScenesStage()


def spans(scenes: "Iterable[Scene | SceneEntry]") -> Iterator[FoundSpan]:
    for scene in scenes:
        yield FoundSpan(start_s=scene.start_s, end_s=scene.end_s, label=f"scene {scene.index}")


def tables(scenes: Iterable[SceneEntry], _: Document) -> dict[str, Table]:
    columns: dict[str, CellType] = {"index": int, "start_s": float, "end_s": float, "thumbnail_s": float}
    columns |= {"seen": str, "said": str, "heard": str, "written": str, "transition": str}
    rows = []
    for s in scenes:
        seen = "; ".join(f"{label} {count}" for label, count in s.objects.items())
        found = seen, s.speech, "; ".join(s.sounds), "; ".join(s.text)
        rows.append((s.index, s.start_s, s.end_s, s.thumbnail_s, *found, s.transition))
    return {"scenes": Table(columns, rows)}


def marks(scenes: Iterable[SceneEntry]) -> Iterator[Mark]:
    for scene in scenes:
        yield Mark(f"scene {scene.index}", scene.start_s, scene.end_s, {"seen": dict(scene.objects)})


SCENES = StageSpec(
    name="scenes",
    inputs=(Frames(PerSecond(float(RATE)), view=View(max_side=MAX_SIDE)),),
    options=SceneOptions,
    runs=Watching(_load),
    output=ResultKind(
        "scenes",
        spans,
        Sequence[SceneEntry],
        key="scenes",
        tables=tables,
        marks=Marks(marks, "GREEN", order=0),
        presentation=Presentation.STARTS,
        gathers=True,
    ),
    belongs=Belongs.DEFAULT,
)
