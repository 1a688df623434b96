"""Who speaks when, as RTTM: what tools that score and compare speakers read."""

import re
from pathlib import Path

from framefleet.outputs.export.base import Context, Format
from framefleet.schema.document import Document


def _write(document: Document, context: Context, path: Path) -> None:
    """Write a line a turn, in the order of time: seconds on the video's clock."""
    turns = sorted(
        (max(0.0, start_s), end_s, _word(speaker.called, speaker.id))
        for speaker in document.speakers or ()
        for start_s, end_s in speaker.turns
        if end_s > 0
    )
    file = _word(context.stem, "video")
    lines = [f"SPEAKER {file} 1 {start:.3f} {end - start:.3f} <NA> <NA> {who} <NA> <NA>\n" for start, end, who in turns]
    path.write_text("".join(lines), encoding="utf-8", newline="\n")


def _word(text: str, otherwise: str) -> str:
    """Return `text` without spaces, which separate fields, and without `<` and `>`, which mark absent ones."""
    return re.sub(r"[\s<>]+", "_", text).strip("_") or otherwise


RTTM = Format(
    name="rttm",
    ending=".rttm",
    about="who speaks when, for tools that score speakers",
    needs=("speakers",),
    write=_write,
)
