"""Tables as Parquet files by pyarrow, for pandas, polars, DuckDB and Spark."""

from pathlib import Path
from typing import Any

from framefleet.results.export.base import Context, Format, library
from framefleet.results.export.csv_files import CSV
from framefleet.results.export.tables import tables
from framefleet.schema.document import Document


def write(document: Document, context: Context, folder: Path) -> None:
    arrow, parquet = library("pyarrow"), library("pyarrow.parquet")
    types = {int: arrow.int64(), float: arrow.float64(), str: arrow.string(), bool: arrow.bool_()}
    for name, table in tables(document).items():
        schema = arrow.schema([(column, types[kind]) for column, kind in table.columns.items()])
        columns = list(zip(*(map(_fitting, row) for row in table.rows), strict=True)) or [()] * len(schema)
        arrays = [arrow.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        parquet.write_table(arrow.Table.from_arrays(arrays, schema=schema), folder / f"{context.stem}_{name}.parquet")


def _fitting(value: Any) -> Any:
    """Null for a whole number that 64 bits do not hold."""
    return None if isinstance(value, int) and not -(2**63) <= value < 2**63 else value


PARQUET = Format(
    name="parquet",
    ending="_parquet",
    about="the same tables with types, for pandas, polars, DuckDB",
    needs=CSV.needs,
    write=write,
    folder=True,
)
