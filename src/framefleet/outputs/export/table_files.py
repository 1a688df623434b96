"""The results as flat tables, in files of CSV and Parquet.

CSV is as in RFC 4180, UTF-8 with the byte order mark that Excel needs, and safe to open in a spreadsheet. A reader may
use another separator and may ignore quotes. So text is made harmless at every place where a cell might begin, not only
at its own start.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from framefleet.outputs.export.base import Context, Format, library
from framefleet.results.query.availability import STAGES
from framefleet.results.query.kinds import declared, found_of, spans_of, stages_of
from framefleet.schema.document import Document
from framefleet.stages.spec import Table, span_table

PARQUET_ENDING = ".parquet"

# OWASP, "CSV Injection": characters that start a formula, with their compatibility variants (NFKC)
_FORMULA = r"=+\-@\u207a\u207c\u208a\u208c\u2a75\u2a76\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
_BREAKS = r"\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029"
_UNSEEN = rf"(?:[^\w!-~{_BREAKS}]|')*"  # spaces, symbols and controls, which importers may drop, and existing marks
_BEGINS = rf"(?<=[,;|\"{_BREAKS}]){{mark}}(?={_UNSEEN}[{_FORMULA}])|^{{mark}}(?=(?:[^\w!-~]|')*[{_FORMULA}]|'*[\t\r\n])"
_PLACES = re.compile(_BEGINS.format(mark=""))
_MARKS = re.compile(_BEGINS.format(mark="'"))
_SUSPECT = re.compile(rf"[{_FORMULA}]|^'*[\t\r\n]")
_QUOTED = re.compile(rf"[,;|\"{_BREAKS}]|^\s|\s$")


def tables(document: Document) -> dict[str, Table]:
    """Return a table for each kind of result, also if it is empty."""
    return {name: table for stage in stages_of(document) for name, table in _tables(document, stage).items()}


def _tables(document: Document, stage: str) -> Mapping[str, Table]:
    """Return the tables that a stage declares; those of a further stage are prefixed with its name."""
    kind, found = declared(stage), found_of(document, stage)
    if kind is None or kind.tables is None or found is None:
        return {stage: span_table(spans_of(document, stage))}
    made = kind.tables(found, document)
    if kind.key is not None:
        return made
    return {name if name == stage else f"{stage}_{name}": table for name, table in made.items()}


def harmless(value: Any) -> Any:
    """Return the content of a cell: text gets a ' wherever a formula would begin if a cell began there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _PLACES.sub("'", value) if isinstance(value, str) and _SUSPECT.search(value) else value


def as_it_was(text: str) -> str:
    """Return the original of a text made by `harmless`."""
    return _MARKS.sub("", text)


def write_csv(document: Document, context: Context, folder: Path) -> None:
    cell = partial(_cell, decimal=context.decimal)
    for name, table in tables(document).items():
        _write_csv(table, folder / f"{context.stem}_{name}.csv", context.separator, cell)


def write_table(table: Table, path: Path) -> None:
    """Write one table to a file, as Parquet if its name ends so, else as CSV. Raises `SetupError`."""
    if path.suffix.lower() == PARQUET_ENDING:
        _write_parquet(table, path)
    else:
        _write_csv(table, path, ",", partial(_cell, decimal="."))


def _write_csv(table: Table, path: Path, separator: str, cell: Callable[[Any], str]) -> None:
    lines = (separator.join(map(cell, row)) for row in (table.columns, *table.rows))
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        file.writelines(f"{line}\r\n" for line in lines)


def _cell(value: Any, decimal: str) -> str:
    """Format a cell, in quotes if it contains any usual separator, so that it stays one cell in every reader."""
    if value is None:
        return ""
    if isinstance(value, float):
        return str(value).replace(".", decimal)
    text = str(harmless(value))
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


CSV = Format(
    name="csv",
    ending="_csv",
    about="tables for spreadsheets: detections, tracks, words, sounds, …",
    needs=tuple(STAGES),
    further=True,
    write=write_csv,
    folder=True,
)


def write_parquet(document: Document, context: Context, folder: Path) -> None:
    for name, table in tables(document).items():
        _write_parquet(table, folder / f"{context.stem}_{name}{PARQUET_ENDING}")


def _write_parquet(table: Table, path: Path) -> None:
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    types = {int: arrow.int64(), float: arrow.float64(), str: arrow.string(), bool: arrow.bool_()}
    schema = arrow.schema([(column, types[kind]) for column, kind in table.columns.items()])
    columns = list(zip(*(map(_fitting, row) for row in table.rows), strict=True)) or [()] * len(schema)
    arrays = [arrow.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    parquet.write_table(arrow.Table.from_arrays(arrays, schema=schema), path)


def _fitting(value: Any) -> Any:
    """Return null for an integer that does not fit 64 bits."""
    return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


PARQUET = Format(
    name="parquet",
    ending="_parquet",
    about="the same tables with types, for pandas, polars, DuckDB",
    needs=CSV.needs,
    further=True,
    write=write_parquet,
    folder=True,
)
