"""A folder is whole or not there, and nobody's work in it is lost."""

from collections.abc import Callable
from pathlib import Path

import pytest

from framefleet.errors import OutputError
from framefleet.results.files import whole_folder


def fill(path: Path, content: str) -> None:
    with whole_folder(path) as folder:
        (folder / "labels").mkdir()
        (folder / "labels" / "a.txt").write_text(content)
        (folder / "images").mkdir()


def test_a_folder_made_here_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "clip_yolo"
    for content in ("old", "new"):
        fill(path, content)
        assert (path / "labels" / "a.txt").read_text() == content
        assert [p.name for p in tmp_path.iterdir()] == ["clip_yolo"]


def test_an_error_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "clip_yolo"
    fill(path, "old")
    with pytest.raises(ZeroDivisionError), whole_folder(path) as folder:
        (folder / "half").touch()
        raise ZeroDivisionError
    assert (path / "labels" / "a.txt").read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["clip_yolo"]


@pytest.mark.parametrize(
    "work",
    [
        lambda folder: (folder / "labels" / "a.txt").write_text("corrected"),
        lambda folder: (folder / "labels" / "b.txt").write_text("added"),
        lambda folder: (folder / "labels" / "a.txt").unlink(),
        lambda folder: (folder / ".framefleet.json").unlink(),
        lambda folder: (folder / ".framefleet.json").write_text("[1]"),
    ],
)
def test_what_somebody_did_in_it_is_kept(tmp_path: Path, work: Callable[[Path], object]) -> None:
    path = tmp_path / "clip_yolo"
    fill(path, "old")
    work(path)
    before = {p: p.is_file() and p.read_bytes() for p in path.rglob("*")}
    with pytest.raises(OutputError, match=r"clip_yolo: .*move it"):
        fill(path, "new")
    assert {p: p.is_file() and p.read_bytes() for p in path.rglob("*")} == before


def test_what_is_no_folder_of_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "clip_yolo"
    path.mkdir()
    with pytest.raises(OutputError, match="already exists"):
        fill(path, "new")
    path.rmdir()
    path.write_text("a file")
    with pytest.raises(OutputError, match="already exists"):
        fill(path, "new")
    assert path.read_text() == "a file"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"gone.*clip_yolo"):
        fill(tmp_path / "gone" / "clip_yolo", "")
