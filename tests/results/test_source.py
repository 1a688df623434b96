"""The video of a document is found wherever it lies, by its content."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from framefleet.errors import InputError
from framefleet.models import file_sha256
from framefleet.results.video_source import find_video
from framefleet.schema.document import Document
from tests.results.make import make_document


def document_of(video: Path, was: str) -> Document:
    document = make_document()
    return replace(document, video=replace(document.video, path=was, sha256=file_sha256(video)))


@pytest.mark.parametrize("place", ["was/clip.mp4", "out/clip.mp4", "clip.mp4", "out/was/clip.mp4"])
def test_it_is_looked_for_where_it_was_and_beside_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    video = tmp_path / place
    video.parent.mkdir(parents=True, exist_ok=True)
    video.write_bytes(b"pictures")
    (tmp_path / "out").mkdir(exist_ok=True)
    found = find_video(document_of(video, "was/clip.mp4"), Path("out/clip_results.json"))
    assert found.samefile(video)


def test_the_copy_beside_the_document_goes_before_the_original(tmp_path: Path) -> None:
    for folder in ("was", "out"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "clip.mp4").write_bytes(b"pictures")
    was = tmp_path / "was" / "clip.mp4"
    document = document_of(was, str(was))
    assert find_video(document, tmp_path / "out" / "clip_results.json") == tmp_path / "out" / "clip.mp4"
    (tmp_path / "out" / "clip.mp4").write_bytes(b"others")
    assert find_video(document, tmp_path / "out" / "clip_results.json") == was


def test_another_video_of_that_name_is_not_it(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"pictures")
    document = document_of(video, str(video))
    video.write_bytes(b"others")
    with pytest.raises(InputError, match="--video FILE"):
        find_video(document, tmp_path / "clip_results.json")
    with pytest.raises(InputError, match="not the video"):
        find_video(document, tmp_path / "clip_results.json", video)


def test_names_longer_than_a_file_may_have_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"pictures")
    document = document_of(tmp_path / "clip.mp4", "x" * 5000)
    with pytest.raises(InputError, match="--video FILE"):
        find_video(document, tmp_path / "clip_results.json")
    with pytest.raises(InputError, match="no such file"):
        find_video(document, tmp_path / "clip_results.json", Path("y" * 5000))
