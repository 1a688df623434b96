"""Tables hold what the document holds, and open in a spreadsheet without doing anything."""

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from framefleet.results.document import Document
from framefleet.results.export.csv_files import harmless
from framefleet.results.export.formats import FORMATS
from framefleet.results.export.tables import tables
from framefleet.results.export.write import export
from tests.results.export.documents import documents, sees
from tests.results.make import make_document

EDGES = ["x1_px", "y1_px", "x2_px", "y2_px"]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def rows_of(document: Document) -> dict[str, list[list[str]]]:
    """The tables as Python's csv module reads them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip_csv"
        export(document, FORMATS["csv"], path, stem="clip")
        return {file.stem: list(csv.reader(file.open(newline="", encoding="utf-8-sig"))) for file in path.glob("*.csv")}


def as_text(value: Any) -> str:
    return "" if value is None else str(harmless(value))


@given(documents())
def test_every_cell_comes_back_from_csv(document: Document) -> None:
    found = rows_of(document)
    expected = tables(document)
    assert found.keys() == {f"clip_{name}" for name in expected}
    for name, table in expected.items():
        header, *rows = found[f"clip_{name}"]
        assert header == list(table.columns)
        assert rows == [[as_text(value) for value in row] for row in table.rows]
        for row in rows:
            for cell, kind in zip(row, table.columns.values(), strict=True):
                if kind is str:
                    assert not cell.startswith(FORMULA)
                elif cell:
                    assert cell in {"true", "false"} if kind is bool else kind(cell) is not None


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "＋1", "－1", "＠x", "﹦1"),
        *(" =1", "\u3000＝1", "\xa0\t+1", "\ufeff=1", "\u200b @x", "\x00-1"),
    ],
)
def test_a_text_is_no_formula_and_a_number_stays_one(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(-1.5) == -1.5
    assert harmless("a=1") == "a=1"
    assert harmless(" a =1") == " a =1"


def test_excel_is_told_that_it_is_utf_8() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip_csv"
        export(sees([(0, "Größe", 0.9, (0.0, 0.0, 1.0, 1.0))]), FORMATS["csv"], path, stem="clip")
        for file in path.glob("*.csv"):
            assert file.read_bytes().startswith("\ufeff".encode())


def test_objects_are_told_with_their_tracks() -> None:
    document = sees([(0, "cat", 0.9, (-5.0, 0.0, 10.0, 10.0)), (1, "dog", 0.5, (0.0, 0.0, 5.0, 5.0))], None, [])
    found = rows_of(document)
    assert found["clip_detections"] == [
        [
            "index",
            "time_s",
            "pts_s",
            "object",
            "track_id",
            "class_id",
            "label",
            "confidence",
            "x1_px",
            "y1_px",
            "x2_px",
            "y2_px",
        ],
        ["0", "0.0", "0.0", "0", "1", "0", "cat", "0.9", "-5.0", "0.0", "10.0", "10.0"],
        ["0", "0.0", "0.0", "1", "2", "1", "dog", "0.5", "0.0", "0.0", "5.0", "5.0"],
    ]
    assert found["clip_pictures"][1:] == [["0", "0.0", "0.0", "2"], ["1", "1.0", "", ""], ["2", "2.0", "2.0", "0"]]


def test_what_was_not_asked_for_has_no_table_and_what_was_not_found_an_empty_one() -> None:
    document = replace(make_document(), detections=None, tracks=None, text=None, sounds=None, scenes=[])
    found = rows_of(document)
    assert sorted(found) == ["clip_scenes", "clip_segments", "clip_words"]
    assert len(found["clip_scenes"]) == 1


@given(documents())
def test_every_cell_comes_back_from_parquet(document: Document) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip_parquet"
        export(document, FORMATS["parquet"], path, stem="clip")
        for name, table in tables(document).items():
            found = parquet.read_table(path / f"clip_{name}.parquet")
            kinds = {int: "int64", float: "double", str: "string", bool: "bool"}
            assert {field.name: str(field.type) for field in found.schema} == {
                column: kinds[kind] for column, kind in table.columns.items()
            }
            assert [tuple(row.values()) for row in found.to_pylist()] == list(table.rows)
