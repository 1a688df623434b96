"""Tables hold what the document holds, and open in a spreadsheet without doing anything."""

import csv
import re
import shutil
import subprocess
import unicodedata
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.export.table_files import as_it_was, harmless, tables
from framefleet.schema.document import Document
from framefleet.schema.speech import Segment, Transcription
from tests.outputs.export.documents import HOSTILE, documents, sees
from tests.results.make import make_document

EDGES = ["x1_px", "y1_px", "x2_px", "y2_px"]
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def rows_of(document: Document) -> dict[str, list[list[str]]]:
    """The tables as Python's csv module reads them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip_csv"
        export(document, FORMATS["csv"], path, stem="clip")
        texts = {file.stem: file.read_bytes().decode("utf-8-sig") for file in path.glob("*.csv")}
        return {stem: list(csv.reader(StringIO(text, newline=""))) for stem, text in texts.items()}


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
        *(" =1", "\u3000＝1", "\ufeff=1", "\u200b @x", "\x00-1"),
    ],
)
def test_a_text_is_no_formula_and_a_number_stays_one(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(-1.5) == -1.5
    assert harmless("a=1") == "a=1"
    assert harmless(" a =1") == " a =1"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("a;=1+2", "a;'=1+2"),
        ("a; \u200b＝1", "a;' \u200b＝1"),
        ("a\t=1+4", "a\t'=1+4"),
        ("\xa0\t+1", "'\xa0\t'+1"),
        ("a,-1\r\n@x", "a,'-1\r\n'@x"),
        ("x;\"=cmd|' /C calc'!A0\";", "x;\"'=cmd|' /C calc'!A0\";"),
        ("'=1", "''=1"),
        ("well, no; a-b = c", "well, no; a-b = c"),
    ],
)
def test_a_text_is_no_formula_wherever_a_cell_may_begin_in_it(text: str, safe: str) -> None:
    assert harmless(text) == safe
    assert as_it_was(safe) == text


PIECES = [*",;\t\"'\r\n |\v\x85\u2028=+-@＝﹢", "a", "1+2", " ", "\u200b", "\ufeff", "\x00", "é", *HOSTILE]
pieced = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=20)


def cells(content: str, separators: str, quote: str) -> list[str]:
    """As importers of many kinds take them: by any separators, and heeding quotes where a cell begins with them."""
    ends = f"{separators}\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
    return re.findall(rf"(?:^|(?<=[{ends}]))(?:{quote}(?:[^{quote}]|{quote * 2})*{quote}?)?[^{ends}]*", content)


@given(st.lists(pieced, min_size=1, max_size=3), st.sampled_from([",", ";", "\t"]))
def test_no_text_is_a_formula_whatever_an_importer_takes_for_separators_and_quotes(
    texts: list[str], separator: str
) -> None:
    spoken = Transcription("en", "", [Segment(0.0, 1.0, text, 0.1, 0.1) for text in texts])
    document = replace(make_document(), transcription=spoken, detections=None, tracks=None)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip_csv"
        export(document, FORMATS["csv"], path, stem="clip", separator=separator)
        content = (path / "clip_segments.csv").read_bytes().decode("utf-8-sig")
    for separators in (",", ";", "\t", ",;", ",\t", ";\t", ",;\t", ",;\t|"):
        for quote in ('"', "\uffff"):  # which is in no text: nothing is a quote
            for cell in cells(content, separators, quote):
                seen = "".join(x for x in cell if x != '"' and unicodedata.category(x)[0] not in "CZ")
                assert not unicodedata.normalize("NFKC", seen).startswith(FORMULA), (cell, separators)
    assert [as_it_was(harmless(text)) for text in texts] == texts


@pytest.mark.full
def test_every_form_of_a_formulas_sign_is_known() -> None:
    for letter in map(chr, range(0x110000)):
        if unicodedata.normalize("NFKC", letter)[:1] in set("=+-@"):
            assert harmless(f"{letter}1") == f"'{letter}1"


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ","), ("\t", ".")])
def test_columns_are_set_apart_by_what_is_asked_for(tmp_path: Path, separator: str, decimal: str) -> None:
    document = sees([(0, f"a{separator}b;c", 0.5, (9.1, 0.0, 10.0, 10.0))])
    export(document, FORMATS["csv"], tmp_path / "csv", stem="clip", separator=separator)
    with (tmp_path / "csv" / "clip_detections.csv").open(newline="", encoding="utf-8-sig") as file:
        header, row = csv.reader(file, delimiter=separator)
    assert header == list(tables(document)["detections"].columns)
    assert (row[6], row[7], row[8]) == (f"a{separator}b;c", f"0{decimal}5", f"9{decimal}1")


@pytest.mark.full
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_libreoffice_computes_nothing_and_has_columns(tmp_path: Path, separator: str) -> None:
    """As its import dialogue would, by each separator and all of them; by the one that was written, cells are whole."""
    if shutil.which("soffice") is None:
        pytest.skip("needs LibreOffice: apt-get install libreoffice-calc")
    hostile = [
        *HOSTILE,
        "a;=1+2;b",
        "a\t=1+4\tb",
        "a,=1+8,b",
        'a;"=1+16";b',
        "a; ＝1+32",
        "a\r\n=1+64\r\nb",
        "x|=1+128|",
    ]
    seen = [(0, text, 0.5, (9.1, 0.0, 20.0, 20.0)) for text in hostile]
    export(sees(seen), FORMATS["csv"], tmp_path / "csv", stem="clip", separator=separator)
    place = tmp_path / "csv" / "clip_detections.csv"
    german = 1031  # where 9.1 is the ninth of January
    for number, separators in enumerate([str(ord(separator)), "44/59/9", "59", "9", "44", "44/59/9/MRG"]):
        rule = f"--infilter=Text - txt - csv (StarCalc):{separators},34,76,1,,{german if separator == ';' else 1033}"
        command = ["soffice", f"-env:UserInstallation={(tmp_path / 'home').as_uri()}", "--headless", rule]
        out = tmp_path / str(number)
        subprocess.run(
            [*command, "--convert-to", "fods", "--outdir", out, place], check=True, capture_output=True, timeout=120
        )
        content = (out / "clip_detections.fods").read_text("utf-8")
        assert "table:formula" not in content
        if number == 0:
            assert content.count('office:value="9.1"') == len(seen)
            assert "office:date-value" not in content


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


@pytest.mark.full
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
