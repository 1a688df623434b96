"""The declaration of the looks stage."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from framefleet.config.options import Sampling, Setting, StageOptions
from framefleet.schema.document import Document
from framefleet.schema.looks import PALETTE, Look, Looks
from framefleet.schema.results import FoundSpan
from framefleet.stages.scenes.spec import MAX_SIDE, RATE
from framefleet.stages.spec import (
    Belongs,
    CellType,
    Frames,
    PerSecond,
    ResultKind,
    StageSpec,
    Table,
    View,
    Watching,
)

if TYPE_CHECKING:
    from framefleet.stages.looks.stage import LooksStage
    from framefleet.stages.scene import Scene


class LookOptions(StageOptions, frozen=True, kw_only=True):
    """The options of the looks stage. Rate and size are those of scenes, whose frames it shares."""

    sampling: Annotated[Sampling | None, Setting("exact frames, or the nearest keyframes", "exact|keyframes")] = None


def _load() -> "LooksStage":
    from framefleet.stages.looks.stage import LooksStage

    return LooksStage()


_NAMED: dict[str, Callable[[Look], bool]] = {
    "dark": lambda look: look.light < 0.2,
    "bright": lambda look: look.light > 0.75,
    "grey": lambda look: look.saturation < 0.08,
    "colourful": lambda look: look.saturation > 0.5,
    "plain background": lambda look: look.plain > 0.5,
    "still": lambda look: look.still is not None and look.still > 0.5,
    "pan": lambda look: look.pan is not None and look.pan > 0.05,
    "zoom in": lambda look: look.zoom is not None and look.zoom > 0.015,
    "zoom out": lambda look: look.zoom is not None and look.zoom < -0.015,
}
"""What a second is called. Pans of a twentieth of the width and zooms of 1.5 % a second are what a viewer notices."""


def with_scenes(looks: Looks, scenes: "Sequence[Scene]") -> Looks:
    from framefleet.stages.looks.measures import by_scene, by_second

    return Looks(by_second(looks.over_time), by_scene(looks.over_time, scenes))


def spans(looks: Looks) -> Iterator[FoundSpan]:
    """Yield what can be said of the looks, each for as many seconds as it lasts, in the order of time."""
    found = []
    for name, is_so in _NAMED.items():
        for so, run in groupby(looks.over_time, is_so):
            looked = list(run)
            if so:
                found.append(FoundSpan(start_s=looked[0].start_s, end_s=looked[-1].end_s, label=name))
    yield from sorted(found, key=lambda one: (one.start_s, one.end_s))


_COLUMNS = [name for name in Look.__struct_fields__ if name != "palette"]


def tables(looks: Looks, _: Document) -> dict[str, Table]:
    columns: dict[str, CellType] = dict.fromkeys([*_COLUMNS, *PALETTE], float)

    def rows(those: Sequence[Look | None]) -> list[tuple[float | None, ...]]:
        return [(*(getattr(one, name) for name in _COLUMNS), *one.palette) for one in those if one is not None]

    return {"looks": Table(columns, rows(looks.over_time)), "scenes": Table(columns, rows(looks.scenes))}


LOOKS = StageSpec(
    name="looks",
    inputs=(Frames(PerSecond(float(RATE)), view=View(max_side=MAX_SIDE)),),
    options=LookOptions,
    runs=Watching(_load),
    output=ResultKind("looks", spans, Looks, scene_field="looks", tables=tables, marks=None, with_scenes=with_scenes),
    belongs=Belongs.ALL,
)
