"""The declaration of the speech stage."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framefleet.schema.results import FoundSpan
from framefleet.schema.speech import Transcription
from framefleet.stages.spec import Audio, Belongs, Remote, ResultKind, StageSpec

if TYPE_CHECKING:
    from framefleet.stages.base import Stage


def _load() -> "Stage":
    from framefleet.stages.speech.stage import SpeechStage

    return SpeechStage()


def spans(said: Transcription) -> Iterator[FoundSpan]:
    for segment in said.segments:
        yield FoundSpan(start_s=segment.start_s, end_s=segment.end_s, text=segment.text)


SPEECH = StageSpec(
    name="speech",
    inputs=(Audio(),),
    runs=Remote("whisper", _load),
    output=ResultKind("said", spans, Transcription, key="transcription", scene_field="speech"),
    belongs=Belongs.DEFAULT,
    prefilter="voice activity detection",
    unfiltered="--no-vad runs without it, but sends and pays for silence too",
)
