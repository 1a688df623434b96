"""The declaration of the sounds stage."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framefleet.schema.results import FoundSpan
from framefleet.schema.sounds import Sounds
from framefleet.stages.spec import Audio, Belongs, Remote, ResultKind, StageSpec

if TYPE_CHECKING:
    from framefleet.stages.base import Stage


def _load() -> "Stage":
    from framefleet.stages.sounds.stage import SoundsStage

    return SoundsStage()


def spans(heard: Sounds) -> Iterator[FoundSpan]:
    for event in heard.events:
        yield FoundSpan(start_s=event.start_s, end_s=event.end_s, label=event.label, confidence=event.score)


SOUNDS = StageSpec(
    name="sounds",
    inputs=(Audio(),),
    runs=Remote("ast", _load),
    output=ResultKind("heard", spans, Sounds, key="sounds", scene_field="sounds"),
    belongs=Belongs.DEFAULT,
)
