"""The declaration of the objects stage."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from framefleet.config.options import FrameOptions
from framefleet.schema.objects import Detection
from framefleet.schema.results import FoundSpan
from framefleet.stages.spec import Belongs, Frames, Remote, ResultKind, StageSpec

if TYPE_CHECKING:
    from framefleet.stages.base import Stage


def _load() -> "Stage":
    from framefleet.stages.objects.stage import ObjectsStage

    return ObjectsStage()


def spans(detections: Iterable[Detection]) -> Iterator[FoundSpan]:
    """Yield each object, at the time of its frame."""
    for one in detections:
        for found in one.objects or ():
            yield FoundSpan(
                start_s=one.shown_s, end_s=one.shown_s, label=found.label, confidence=found.confidence
            )  # fmt: skip


OBJECTS = StageSpec(
    name="objects",
    inputs=(Frames(),),
    options=FrameOptions,
    runs=Remote("yolo", _load),
    output=ResultKind("seen", spans, Sequence[Detection], key="detections", scene_field="objects"),
    belongs=Belongs.DEFAULT,
)
