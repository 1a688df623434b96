"""Files are whole or not there, and never in place of what they are made of."""

import stat
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from framefleet.errors import OutputError, UsageError
from framefleet.results import files
from framefleet.results.files import (
    beside,
    claim,
    document_path,
    keep_apart,
    target,
    whole_file,
    whole_folder,
    write_document,
    write_whole,
)
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from tests.results.make import make_document


def test_what_is_made_of_a_document_stands_beside_it() -> None:
    path = document_path(Path("out"), Path("a/clip.v2.mp4"))
    assert beside(path, "_report.html") == Path("out/clip.v2_report.html")
    assert beside(Path("renamed.json"), ".srt") == Path("renamed.srt")


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "clip.srt"
    write_whole(path, b"old")
    with pytest.raises(ZeroDivisionError), whole_file(path) as temporary:
        assert temporary.suffix == ".srt"
        temporary.write_bytes(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"gone.clip\.srt: there is no folder .*gone; make it, or give another$"):
        write_whole(tmp_path / "gone" / "clip.srt", b"")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError) as caught:
        write_whole(tmp_path / "file" / "clip.srt", b"")
    assert "space" not in str(caught.value)


@pytest.mark.parametrize(
    ("output", "ending", "place"),
    [
        (None, ".srt", "clip.srt"),
        ("mine.SRT", ".srt", "mine.SRT"),
        ("there", ".srt", "there/clip.srt"),
        ("new/folder/", "_coco", "new/folder/clip_coco"),
        ("mine.v2", "_coco", "mine.v2"),
        ("written", "_coco", "written"),
        ("written/", "_coco", "written"),
    ],
)
def test_where_something_made_of_a_document_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str | None, ending: str, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").mkdir()
    with whole_folder(Path("written")):
        pass
    found = target(Path("clip_results.json"), ending, output)
    assert found == Path(place)
    assert found.parent.is_dir()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_others_may_read_what_was_written(tmp_path: Path) -> None:
    write_whole(tmp_path / "clip.srt", b"")
    assert stat.S_IMODE((tmp_path / "clip.srt").stat().st_mode) == 0o644


def test_a_source_is_known_by_every_name(tmp_path: Path) -> None:
    source, link = tmp_path / "clip.mp4", tmp_path / "link.mp4"
    source.write_bytes(b"moving pictures")
    link.symlink_to(source)
    keep_apart(tmp_path / "new.mp4", [source, tmp_path / "gone.mp4"])
    keep_apart(link, [tmp_path / "gone.mp4"])
    for same in (source, link, tmp_path / "." / "clip.mp4"):
        with pytest.raises(UsageError, match="made of it"):
            keep_apart(same, [tmp_path / "gone.mp4", source])
    with pytest.raises(OutputError, match="a folder"):
        keep_apart(tmp_path, [source])
    with pytest.raises(OutputError, match="cannot be written"):
        keep_apart(tmp_path / ("x" * 5000), [source])


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "clip_results.json"
    write_document(make_document(), path)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match=r"clip_results\.json: cannot be written \(No space left on device\)"):
        write_document(replace(make_document(), failures=[]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_claiming_a_place(tmp_path: Path) -> None:
    document: Document = make_document()
    path = document_path(tmp_path / "new" / "folder", Path("some/clip.mp4"))
    assert path == tmp_path / "new" / "folder" / "clip_results.json"
    claim(path, document.video.sha256)
    assert list(path.parent.iterdir()) == []
    write_document(document, path)
    claim(path, document.video.sha256)
    with pytest.raises(OutputError, match="holds the results of another video"):
        claim(path, "0" * 64)


def test_a_name_as_long_as_can_be(tmp_path: Path) -> None:
    path = document_path(tmp_path, Path("n" * (255 - len("_results.json")) + ".mp4"))
    claim(path, "0" * 64)
    write_document(make_document(), path)
    assert read_document(path) == make_document()
    with pytest.raises(OutputError, match="too long a name for a file"):
        claim(document_path(tmp_path, Path("n" * 255)), "0" * 64)
