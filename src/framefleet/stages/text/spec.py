"""The declaration of the text stage."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from framefleet.config.options import FrameOptions
from framefleet.schema.document import Document
from framefleet.schema.results import FoundSpan
from framefleet.schema.text import TextResult
from framefleet.stages.spec import (
    BOX_COLUMNS,
    BOX_TITLE,
    Belongs,
    CellType,
    Frames,
    Marks,
    Remote,
    ResultKind,
    Search,
    Shown,
    StageSpec,
    Table,
    box,
    confidence,
)

if TYPE_CHECKING:
    from framefleet.stages.base import Stage


def _load() -> "Stage":
    from framefleet.stages.text.stage import TextStage

    return TextStage()


def spans(written: TextResult) -> Iterator[FoundSpan]:
    for span in written.spans:
        yield FoundSpan(start_s=span.start_s, end_s=span.end_s, text=span.text, confidence=span.confidence)


def tables(written: TextResult, _: Document) -> dict[str, Table]:
    columns: dict[str, CellType] = {"text": str, "start_s": float, "end_s": float, "confidence": float}
    columns |= {"readings": int, **BOX_COLUMNS}
    rows = [(s.text, s.start_s, s.end_s, s.confidence, s.readings, *s.box) for s in written.spans]
    return {"text": Table(columns, rows)}


TEXT = StageSpec(
    name="text",
    inputs=(Frames(),),
    options=FrameOptions,
    runs=Remote("ocr", _load),
    output=ResultKind(
        "written",
        spans,
        TextResult,
        key="text",
        scene_field="text",
        tables=tables,
        marks=Marks(color="PURPLE", order=4),
        search=Search(
            "text",
            "TEXT",
            "when this text is on screen (substring match)",
            items=lambda written: written.spans,
            columns=(
                Shown("text", lambda span: str(span.text), main=True),
                Shown("confidence", confidence, right=True, rank=1),
                Shown(BOX_TITLE, box, rank=2),
            ),
        ),
    ),
    prefilter="change detection",
    belongs=Belongs.ALL,  # too slow on a CPU for a default stage
)
