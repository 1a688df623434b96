"""The declaration of the objects stage."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from framefleet.config.options import FrameOptions, Options
from framefleet.schema.document import Document
from framefleet.schema.objects import Detection
from framefleet.schema.results import FoundSpan
from framefleet.stages.scene import Scene, scene_at
from framefleet.stages.spec import (
    BOX_COLUMNS,
    Belongs,
    CellType,
    Finds,
    Frames,
    Presentation,
    Remote,
    ResultKind,
    Search,
    Shown,
    StageSpec,
    Table,
)
from framefleet.stages.when import counted_s

if TYPE_CHECKING:
    from framefleet.stages.base import Capabilities, Stage
    from framefleet.stages.finding import Finder, FinderRequest


def _load() -> "Stage":
    from framefleet.stages.objects.stage import ObjectsStage

    return ObjectsStage()


def _labels(options: Options) -> Sequence[str]:
    from framefleet.stages.objects.finder import labels

    return labels(options)


def _open_finder(request: "FinderRequest") -> "Finder":
    from framefleet.stages.objects.finder import open_finder

    return open_finder(request)


def spans(detections: Iterable[Detection]) -> Iterator[FoundSpan]:
    """Yield each object, at the time of its frame."""
    for one in detections:
        for found in one.objects or ():
            yield FoundSpan(
                start_s=one.shown_s, end_s=one.shown_s, label=found.label, confidence=found.confidence
            )  # fmt: skip


def tables(detections: Sequence[Detection], document: Document) -> dict[str, Table]:
    """Return the tables of frames, and of objects with their tracks' ids."""
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


def in_scenes(scenes: Sequence[Scene], detections: Sequence[Detection] | None, sampling: str) -> list[dict[str, int]]:
    """Return for each label the largest number in one frame."""
    seen: dict[int, Counter[str]] = {scene.index: Counter() for scene in scenes}
    for detection in detections or ():
        scene = scene_at(scenes, counted_s(detection.time_s, detection.pts_s, sampling))
        if scene is not None:
            seen[scene.index] |= Counter(found.label for found in detection.objects or ())
    return [dict(seen[scene.index].most_common()) for scene in scenes]


def config(options: Options, can: "Capabilities", reply: Any) -> dict[str, Any]:
    from framefleet.stages.frame_stage import max_side
    from framefleet.stages.objects.models import fallback_for

    answered = getattr(reply, "model", None)
    return {
        "fps": options.fps,
        "max_side": max_side(options, can),
        "jpeg_quality": options.jpeg_quality,
        "crop": options.crop,
        "sampling": options.decoding,
        "yolo_model": getattr(reply, "model", options.yolo_model),
        "yolo_fallback_for": None if can.remote or options.yolo_model else fallback_for(answered),
        "yolo_conf": options.conf,
        "yolo_iou": options.iou,
        "yolo_imgsz": getattr(reply, "imgsz", None) or options.imgsz,
        "yolo_imgsz_fixed": getattr(reply, "imgsz_fixed", None),
        "yolo_half": getattr(reply, "half", None),
        "yolo_max_det": options.max_det,
        "yolo_classes": None if options.classes is None else list(options.classes),
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
        presentation=Presentation.FRAMES,
        search=Search(
            "label",
            "LABEL",
            "when this label is in view, and how many",
            columns=(
                Shown("frames", lambda one: str(one.pictures), right=True, rank=2),
                Shown("at once", lambda one: str(one.most), right=True, rank=1),
                Shown("tracks", lambda one: ", ".join(map(str, one.tracks)), rank=3, least=6, most=40),
            ),
        ),
        unanswered=True,
        in_scenes=in_scenes,
    ),
    config=config,
    belongs=Belongs.DEFAULT,
    finder=Finds(_labels, _open_finder),
)
