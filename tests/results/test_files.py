"""Files are whole or not there, and a document's video is found wherever it went."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from framefleet.errors import InputError, OutputError
from framefleet.results.document import Document
from framefleet.results.files import beside, document_path, whole_file, write_whole
from framefleet.results.source import find_video
from framefleet.weights import file_sha256
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
    with pytest.raises(OutputError, match=r"gone.*clip\.srt"):
        write_whole(tmp_path / "gone" / "clip.srt", b"")


def about(video: Path) -> Document:
    document = make_document()
    return replace(document, video=replace(document.video, path=str(video), sha256=file_sha256(video)))


def test_a_video_is_found_where_it_was_and_where_it_went_along(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"moving pictures")
    document, results = about(video), tmp_path / "out" / "clip_results.json"
    results.parent.mkdir()
    assert find_video(document, results) == video
    for folder in (results.parent, tmp_path / "elsewhere"):
        folder.mkdir(exist_ok=True)
        video = video.rename(folder / "clip.mp4")
        assert find_video(document, folder / "clip_results.json") == video


def test_another_video_is_not_taken_for_it(tmp_path: Path) -> None:
    video, other = tmp_path / "clip.mp4", tmp_path / "other.mp4"
    video.write_bytes(b"moving pictures")
    document = about(video)
    video.write_bytes(b"others")
    other.write_bytes(b"others")
    with pytest.raises(InputError, match=r"--video"):
        find_video(document, tmp_path / "clip_results.json")
    with pytest.raises(InputError, match=r"other\.mp4.*not the video"):
        find_video(document, tmp_path / "clip_results.json", other)
    with pytest.raises(InputError, match=r"nowhere\.mp4.*no such file"):
        find_video(document, tmp_path / "clip_results.json", tmp_path / "nowhere.mp4")
