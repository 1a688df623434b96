"""What the objects stage declares."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from framefleet.config.options import FrameOptions
from framefleet.schema.document import Document
from framefleet.schema.objects import Detection
from framefleet.schema.results import FoundSpan
from framefleet.stages.spec import BOX_COLUMNS, Belongs, CellType, Frames, Remote, ResultKind, StageSpec, Table

if TYPE_CHECKING:
    from framefleet.stages.base import Stage


def _load() -> "Stage":
    from framefleet.stages.objects.stage import ObjectsStage

    return ObjectsStage()


def spans(detections: Iterable[Detection]) -> Iterator[FoundSpan]:
    """Each object, at the moment of its picture."""
    for one in detections:
        for found in one.objects or ():
            yield FoundSpan(
                start_s=one.shown_s, end_s=one.shown_s, label=found.label, confidence=found.confidence
            )  # fmt: skip


def tables(detections: Sequence[Detection], document: Document) -> dict[str, Table]:
    """The frames, and the objects in them with their tracks' ids."""
    ids = document.tracks.ids() if document.tracks is not None else {}
    frames = [(d.index, d.time_s, d.pts_s, None if d.objects is None else len(d.objects)) for d in detections]
    columns: dict[str, CellType] = {"index": int, "time_s": float, "pts_s": float, "object": int, "track_id": int}
    columns |= {"class_id": int, "label": str, "confidence": float, **BOX_COLUMNS}
    objects = [
        (d.index, d.time_s, d.pts_s, place, ids.get((d.index, place)), o.class_id, o.label, o.confidence, *o.box)
        for d in detections
        for place, o in enumerate(d.objects or ())
    ]
    return {
        "pictures": Table({"index": int, "time_s": float, "pts_s": float, "objects": int}, frames),
        "detections": Table(columns, objects),
    }


OBJECTS = StageSpec(
    name="objects",
    inputs=(Frames(),),
    options=FrameOptions,
    runs=Remote("yolo", _load),
    output=ResultKind(
        "seen",
        spans,
        Sequence[Detection],
        key="detections",
        scene_field="objects",
        tables=tables,
        marks=None,  # they have no length
    ),
    belongs=Belongs.DEFAULT,
)
