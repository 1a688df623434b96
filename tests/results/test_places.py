"""Names for the results of all videos of a command, chosen before anything starts."""

from pathlib import Path

from framefleet.results.places import place_of, places_of
from framefleet.storage.folder import FolderResults
from tests.contracts.places import CAT, about


def with_results(folder: Path, name: str) -> FolderResults:
    store = FolderResults(folder)
    store.put(name, about(CAT))
    return store


def test_no_two_videos_have_one_place_also_if_the_usual_names_are_taken(tmp_path: Path) -> None:
    """`x` is taken by an earlier video, and the next longer name is that of another video of the command."""
    with_results(tmp_path / "out", "x")
    videos = [tmp_path / "a" / "x.mp4", tmp_path / "b" / "a_x.mp4"]
    for video in videos:
        video.parent.mkdir()
        video.write_bytes(b"another")
    places = places_of(videos, tmp_path / "out")
    assert places[videos[1]].name == "a_x"
    assert places[videos[0]].name == "a_x.mp4"
    assert "x_results.json has the results of" in (places[videos[0]].taken or "")


def test_a_video_that_is_not_there_has_a_place_too(tmp_path: Path) -> None:
    with_results(tmp_path / "out", "gone")
    assert place_of(tmp_path / "gone.mp4", tmp_path / "out").name != "gone"


def test_a_name_that_no_file_can_have_stops_no_other(tmp_path: Path) -> None:
    videos = [Path("x" * 300 + ".mp4"), Path("fine.mp4")]
    assert places_of(videos, tmp_path)[videos[1]].name == "fine"
