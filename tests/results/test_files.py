"""What is made of a document has its place, and never that of what it is made of."""

from pathlib import Path

import pytest

from framefleet.errors import OutputError, UsageError
from framefleet.results.files import (
    beside,
    keep_apart,
    target,
    whole_folder,
)
from framefleet.storage.folder import FolderResults


def test_what_is_made_of_a_document_stands_beside_it() -> None:
    path = FolderResults(Path("out")).path("clip.v2")
    assert beside(path, "_report.html") == Path("out/clip.v2_report.html")
    assert beside(Path("renamed.json"), ".srt") == Path("renamed.srt")


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


def test_a_source_is_known_by_every_name(tmp_path: Path) -> None:
    source, link = tmp_path / "clip.mp4", tmp_path / "link.mp4"
    source.write_bytes(b"moving pictures")
    link.symlink_to(source)
    keep_apart(tmp_path / "new.mp4", [source, tmp_path / "gone.mp4"])
    keep_apart(link, [tmp_path / "gone.mp4"])
    for same in (source, link, tmp_path / "." / "clip.mp4"):
        with pytest.raises(UsageError, match="the source of this output"):
            keep_apart(same, [tmp_path / "gone.mp4", source])
    with pytest.raises(OutputError, match="a folder"):
        keep_apart(tmp_path, [source])
    with pytest.raises(OutputError, match="cannot be written"):
        keep_apart(tmp_path / ("x" * 5000), [source])
