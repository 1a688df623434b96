"""The declaration of the sounds stage."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from framefleet.config.options import Options
from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.schema.sounds import Sounds
from framefleet.stages.spec import (
    Audio,
    Belongs,
    CellType,
    Mark,
    Marks,
    Remote,
    ResultKind,
    Search,
    Shown,
    StageSpec,
    Table,
)

if TYPE_CHECKING:
    from framefleet.stages.base import Capabilities, Stage


def _load() -> "Stage":
    from framefleet.stages.sounds.stage import SoundsStage

    return SoundsStage()


def spans(heard: Sounds) -> Iterator[FoundSpan]:
    for event in heard.events:
        yield FoundSpan(start_s=event.start_s, end_s=event.end_s, label=event.label, confidence=event.score)


def tables(heard: Sounds, _: Document) -> dict[str, Table]:
    columns: dict[str, CellType] = {"label": str, "class_id": int, "start_s": float, "end_s": float}
    columns |= {"score": float, "mean_score": float}
    rows = [(e.label, e.class_id, e.start_s, e.end_s, e.score, e.mean_score) for e in heard.events]
    return {"sounds": Table(columns, rows)}


def marks(heard: Sounds) -> Iterator[Mark]:
    for event in heard.events:
        yield Mark(event.label, event.start_s, event.end_s, {"score": event.score})


def config(options: Options, _: "Capabilities", reply: Any) -> dict[str, Any]:
    return {
        "sounds_model": getattr(reply, "model", options.ast_model),
        "sounds_threshold": options.sounds_threshold,
    }


SOUNDS = StageSpec(
    name="sounds",
    inputs=(Audio(),),
    runs=Remote("ast", _load),
    output=ResultKind(
        "heard",
        spans,
        Sounds,
        key="sounds",
        scene_field="sounds",
        tables=tables,
        marks=Marks(marks, "ORANGE", order=2),
        search=Search(
            "sound",
            "NAME",
            "when this sound occurs",
            names=True,
            items=lambda heard: heard.events,
            columns=(
                Shown("sound", lambda event: str(event.label), main=True),
                Shown("score", lambda event: f"{event.score:.2f}", right=True, rank=1),
            ),
        ),
    ),
    config=config,
    belongs=Belongs.DEFAULT,
)
