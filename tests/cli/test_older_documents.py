"""What commands make of a document of version 1 is what they make of the same one written today."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.schema.codec import read_document
from tests.conftest import ROOT, full
from tests.results.make import write_document

DATA = ROOT / "tests" / "schema" / "data"
RESULT = "sample_results.json"

Cli = Callable[..., Any]
Made = Callable[..., tuple[list[str], list[dict[str, bytes]]]]


@pytest.fixture(params=["first", "last"])
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """Two folders: the document as it was written is in one, as it would be today in the other."""
    then, now = tmp_path / "then", tmp_path / "now"
    for folder in (then, now):
        folder.mkdir()
    shutil.copy(DATA / f"{request.param}.json", then / RESULT)
    write_document(read_document(then / RESULT), now / RESULT)
    assert [b'"sift"' in (folder / RESULT).read_bytes() for folder in (then, now)] == [True, False]
    return then, now


@pytest.fixture
def made(cli: Cli, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Made:
    """What a command says in each of the folders, and the files that it makes."""

    def run(*arguments: object) -> tuple[list[str], list[dict[str, bytes]]]:
        said, files = [], []
        for folder in folders:
            monkeypatch.chdir(folder)
            told = cli(*arguments)
            assert told.code == 0, told.err
            said.append(told.out)
            paths = (path for path in folder.rglob("*") if path.is_file() and path.name != RESULT)
            files.append({path.relative_to(folder).as_posix(): path.read_bytes() for path in paths})
        return said, files

    return run


@pytest.mark.parametrize(
    ("arguments", "within"),
    [
        ([], "prefilter text"),
        (["--json"], '"label": "cat"'),
        (["--at", "3", "--json"], '"speech": "Hello"'),
        (["--label", "cat", "--say", "hello", "--sound", "speech", "--text", "exit"], "EXIT"),
    ],
)
def test_show(made: Made, arguments: list[str], within: str) -> None:
    (then, now), _ = made("show", RESULT, *arguments)
    assert then == now
    assert within in now


def test_report(made: Made) -> None:
    _, (then, now) = made("report", RESULT)
    assert then == now
    assert b'"prefilter":{"text":' in now["sample_report.html"]


@pytest.mark.parametrize(
    ("form", "name", "within"),
    [
        ("csv", "sample_csv/sample_scenes.csv", "cat 1,Hello,Speech,EXIT"),
        *full(("srt", "sample.en.srt", "Hello"), ("coco", "sample_coco/annotations.json", "cat")),
    ],
)
def test_export(made: Made, form: str, name: str, within: str) -> None:
    _, (then, now) = made("export", RESULT, "--to", form)
    assert then == now
    assert within in now[name].decode()


@pytest.mark.full
def test_render(made: Made) -> None:
    _, (then, now) = made("render", RESULT, "--from", "3", "--to", "4", "--video", ROOT / "samples" / "sample.mp4")
    assert then == now
    assert len(now) == 1
