"""The declaration of the text stage."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framefleet.config.options import FrameOptions
from framefleet.schema.results import FoundSpan
from framefleet.schema.text import TextResult
from framefleet.stages.spec import Belongs, Frames, Remote, ResultKind, StageSpec

if TYPE_CHECKING:
    from framefleet.stages.base import Stage


def _load() -> "Stage":
    from framefleet.stages.text.stage import TextStage

    return TextStage()


def spans(written: TextResult) -> Iterator[FoundSpan]:
    for span in written.spans:
        yield FoundSpan(start_s=span.start_s, end_s=span.end_s, text=span.text, confidence=span.confidence)


TEXT = StageSpec(
    name="text",
    inputs=(Frames(),),
    options=FrameOptions,
    runs=Remote("ocr", _load),
    output=ResultKind("written", spans, TextResult, key="text", scene_field="text"),
    prefilter="change detection",
    belongs=Belongs.ALL,  # too slow on a CPU for a default stage
)
