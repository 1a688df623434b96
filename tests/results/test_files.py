"""Files are whole or not there, and never in place of what they are made of."""

import stat
import sys
from pathlib import Path

import pytest

from framefleet.errors import OutputError, UsageError
from framefleet.results.files import beside, document_path, keep_apart, target, whole_file, whole_folder, write_whole


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
