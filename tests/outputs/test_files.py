"""What is made of a document's file from Python is what the commands make."""

from pathlib import Path

import pytest

import framefleet
from framefleet.errors import InputError, UsageError
from framefleet.storage.folder import FolderResults
from tests.media.make import make_video
from tests.outputs.export.documents import sees


@pytest.fixture
def result(tmp_path: Path) -> Path:
    store = FolderResults(tmp_path)
    store.put("clip", sees([(0, "person", 0.9, (1.0, 2.0, 30.0, 40.0))]))
    return store.path("clip")


def test_a_report_is_beside_the_result_or_where_it_is_wanted(result: Path, tmp_path: Path) -> None:
    assert framefleet.report(result) == tmp_path / "clip_report.html"
    elsewhere = framefleet.report(str(result), output=tmp_path / "other.html")
    assert elsewhere.read_text().startswith("<!doctype html>")


def test_exports_go_beside_the_result_or_into_a_folder(result: Path, tmp_path: Path) -> None:
    (csv,) = framefleet.export(result, "csv")
    assert csv.parent == tmp_path
    both = framefleet.export(result, "coco,csv", output=f"{tmp_path / 'labels'}/")
    assert {path.parent for path in both} == {tmp_path / "labels"}
    assert all(path.exists() for path in both)
    with pytest.raises(UsageError, match="no such format"):
        framefleet.export(result, "doc")


def test_a_video_that_is_not_there_cannot_be_drawn_on(result: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        framefleet.render(result)
    with pytest.raises(InputError):
        framefleet.render(result, video=make_video(tmp_path / "another.mp4", frames=5, fps=5))
