"""The declaration of the speakers stage."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.schema.speakers import Speaker
from framefleet.stages.speakers.display import line, turns
from framefleet.stages.speakers.words import spoken_by
from framefleet.stages.spec import (
    Audio,
    Belongs,
    CellType,
    Marks,
    Presentation,
    Remote,
    ResultKind,
    Search,
    Shown,
    StageSpec,
    Table,
)

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


def tables(speakers: Sequence[Speaker], _: Document) -> dict[str, Table]:
    columns: dict[str, CellType] = {"id": str, "name": str, "first_s": float, "talk_s": float, "certain": bool}
    rows = [(s.id, s.name, s.first_s, s.talk_s, s.certain) for s in speakers]
    of_turn: dict[str, CellType] = {"speaker": str, "start_s": float, "end_s": float}
    spoken = sorted((start_s, end_s, speaker.id) for speaker in speakers for start_s, end_s in speaker.turns)
    return {
        "speakers": Table(columns, rows),
        "turns": Table(of_turn, [(id, start_s, end_s) for start_s, end_s, id in spoken]),
    }


SEARCH = Search(
    "speaker",
    "NAME",
    "when this speaker talks, with the words: a name, or S1",
    names=True,
    columns=(
        Shown("speaker", lambda turn: str(turn.name or turn.speaker), main=True),
        Shown("words", lambda turn: str(turn.text), least=10),
    ),
    find=turns,
)

SPEAKERS = StageSpec(
    name="speakers",
    inputs=(Audio(),),
    runs=Remote("speakers", _load),
    output=ResultKind(
        "spoke",
        spans,
        list[Speaker],
        key="speakers",
        tables=tables,
        marks=Marks(color="MAGENTA"),
        presentation=Presentation.LINE,
        search=SEARCH,
        line=line,
        amends=("speech", spoken_by),
    ),
    belongs=Belongs.DEFAULT,
    along_with="speech",
    private=True,
)
