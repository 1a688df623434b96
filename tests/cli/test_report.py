"""`framefleet report`, and `--report` of a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.documents import bare, of_video
from tests.cli.conftest import Told
from tests.results.make import write_document

Cli = Callable[..., Told]


@pytest.fixture
def result(tmp_path: Path, video: Path) -> Path:
    path = tmp_path / "clip_results.json"
    write_document(of_video(bare(), video), path)
    return path


def test_the_page_is_beside_the_document_and_said_so(cli: Cli, result: Path, tmp_path: Path) -> None:
    told = cli("report", result)
    assert told.code == 0
    assert told.out == f"  report     {tmp_path / 'clip_report.html'} (0.1 MB, 0 thumbnails)\n"
    assert 'src="' not in (tmp_path / "clip_report.html").read_text(encoding="utf-8")


def test_a_run_makes_it_too(cli: Cli, fleet: Any, video: Path, tmp_path: Path) -> None:
    fleet()
    told = cli("run", video, "--report", "--stages", "objects,scenes")
    assert told.code == 0
    assert told.out.splitlines()[-1].startswith(f"  report     {Path('output') / 'clip_report.html'} (")
    head = (tmp_path / "output" / "clip_report.html").read_text(encoding="utf-8")
    assert '"url":"../clip.mp4"' in head


def test_a_document_of_another_version(cli: Cli, result: Path) -> None:
    content = json.loads(result.read_text(encoding="utf-8")) | {"schema_version": "9"}
    result.write_text(json.dumps(content), encoding="utf-8")
    told = cli("report", result)
    assert told.code == 2
    assert "schema version 9" in told.line


def test_a_document_that_is_cut_off(cli: Cli, result: Path) -> None:
    result.write_bytes(result.read_bytes()[:-200])
    told = cli("report", result)
    assert told.code == 2
    assert "not a complete FrameFleet document" in told.line


@pytest.mark.parametrize("folder", ["there", "new/one/"])
def test_a_folder_is_written_into(cli: Cli, result: Path, tmp_path: Path, folder: str) -> None:
    (tmp_path / "there").mkdir()
    assert cli("report", result, "-o", folder).code == 0
    assert [path.name for path in (tmp_path / folder).iterdir()] == ["clip_report.html"]
    told = cli("report", result, "--output", "clip.pdf")
    assert (told.code, told.out) == (2, "")
    assert "clip.pdf: the name does not end in .html" in told.line


def test_no_document(cli: Cli, tmp_path: Path) -> None:
    assert cli("report", tmp_path / "none.json").code == 2


def test_a_video_that_has_moved(cli: Cli, result: Path, video: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "other name.mp4"
    moved.parent.mkdir()
    video.rename(moved)
    told = cli("report", result)
    assert told.code == 0
    assert "--video FILE" in told.line
    page = tmp_path / "clip_report.html"
    assert '"url":null' in page.read_text(encoding="utf-8")
    told = cli("report", result, "--video", moved)
    assert told.code == 0
    assert '"url":"elsewhere/other%20name.mp4"' in page.read_text(encoding="utf-8")


def test_another_video_is_refused(cli: Cli, result: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(b"something else")
    told = cli("report", result, "--video", other)
    assert told.code == 2
    assert "not the video" in told.line


def test_what_it_is_made_of_is_never_overwritten(cli: Cli, result: Path, video: Path, tmp_path: Path) -> None:
    before = video.read_bytes(), result.read_bytes()
    for number, source in enumerate((result, video)):
        linked = tmp_path / f"{number}.html"
        linked.symlink_to(source)
        for target in (source, linked):
            assert cli("report", result, "--output", target).code == 2
    assert (video.read_bytes(), result.read_bytes()) == before


def test_without_thumbnails(cli: Cli, result: Path, tmp_path: Path) -> None:
    page = tmp_path / "p.html"
    assert cli("report", result, "--output", page, "--no-thumbnails").code == 0
    assert '"thumbnails":{"wanted":false,"made":0}' in page.read_text(encoding="utf-8")
