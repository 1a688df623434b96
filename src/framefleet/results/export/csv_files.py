"""Tables as CSV files (RFC 4180, UTF-8 with the mark that Excel knows it by), safe to open in a spreadsheet."""

import csv
import unicodedata
from pathlib import Path
from typing import Any

from framefleet.results.document import Document
from framefleet.results.export.base import Context, Format
from framefleet.results.export.tables import tables

# OWASP, "CSV Injection": what makes a spreadsheet take a cell for a formula
_FORMULA = tuple("=+-@")
_BREAKS = tuple("\t\r\n")


def harmless(value: Any) -> Any:
    """What is put into a cell. A text that would be a formula has a ' before it, which spreadsheets do not show."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and _may_be_formula(value) else value


def _may_be_formula(text: str) -> bool:
    """By the first that is to be seen of it, also in its wide form: importers leave out what is before."""
    seen = (letter for letter in text if unicodedata.category(letter)[0] not in "CZ")
    first = unicodedata.normalize("NFKC", next(seen, ""))
    return text.startswith(_BREAKS) or first.startswith(_FORMULA)


def write(document: Document, context: Context, folder: Path) -> None:
    for name, table in tables(document).items():
        with (folder / f"{context.stem}_{name}.csv").open("w", newline="", encoding="utf-8-sig") as file:
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
