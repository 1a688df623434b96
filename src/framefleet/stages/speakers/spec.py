"""The declaration of the speakers stage."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from framefleet.schema.results import FoundSpan
from framefleet.schema.speakers import Speaker
from framefleet.stages.spec import Audio, Belongs, Remote, ResultKind, StageSpec

if TYPE_CHECKING:
    from framefleet.stages.base import Stage


def _load() -> "Stage":
    from framefleet.stages.speakers.stage import SpeakersStage

    return SpeakersStage()


def spans(speakers: Sequence[Speaker]) -> Iterator[FoundSpan]:
    """Yield each turn, labelled with who speaks."""
    for speaker in speakers:
        for start_s, end_s in speaker.turns:
            yield FoundSpan(start_s=start_s, end_s=end_s, label=speaker.called)


SPEAKERS = StageSpec(
    name="speakers",
    inputs=(Audio(),),
    runs=Remote("speakers", _load),
    output=ResultKind("spoke", spans, list[Speaker], key="speakers"),
    belongs=Belongs.DEFAULT,
    along_with="speech",
    private=True,
)
