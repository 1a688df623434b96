"""Tables as CSV files (RFC 4180, UTF-8), safe to open in a spreadsheet."""

import csv
from pathlib import Path
from typing import Any

from framefleet.results.document import Document
from framefleet.results.export.base import Context, Format
from framefleet.results.export.tables import tables

# OWASP, "CSV Injection": what makes a spreadsheet take a cell for a formula; the last four are the wide ones
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def harmless(value: Any) -> Any:
    """What is put into a cell. A text that would be a formula has a ' before it, which spreadsheets do not show."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def write(document: Document, context: Context, folder: Path) -> None:
    for name, table in tables(document).items():
        with (folder / f"{context.stem}_{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(table.columns)
            writer.writerows([harmless(value) for value in row] for row in table.rows)


CSV = Format(
    name="csv",
    ending="_csv",
    about="tables for spreadsheets: detections, tracks, words, sounds, …",
    needs=("detections", "transcription", "sounds", "text", "scenes", "tracks"),
    write=write,
    folder=True,
)
