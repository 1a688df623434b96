"""Results of videos of one name, from several folders or of several endings, under names that tell them apart."""

import itertools
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from framefleet.results.names import further_names, names_of

ROOT = Path("/films")


def named(*videos: str) -> list[str]:
    paths = [ROOT / video for video in videos]
    return [names_of(paths)[path] for path in paths]


def test_one_alone_keeps_its_name() -> None:
    assert named("a/clip.mp4") == ["clip"]
    assert named("a/clip.mp4", "b/other.mp4") == ["clip", "other"]


def test_of_two_folders() -> None:
    assert named("cam1/0800.mkv", "cam2/0800.mp4") == ["cam1_0800", "cam2_0800"]
    assert named("cam1/0800.mkv", "cam2/0800.mp4", "cam2/0801.mp4") == ["cam1_0800", "cam2_0800", "0801"]


def test_of_folders_of_one_name_in_others() -> None:
    assert named("mon/cam/a.mp4", "tue/cam/a.mp4") == ["mon_cam_a", "tue_cam_a"]


def test_of_one_folder() -> None:
    assert named("clip.mkv", "clip.mp4") == ["clip.mkv", "clip.mp4"]
    assert named("a/clip.mkv", "a/clip.mp4", "b/clip.mp4") == ["a_clip.mkv", "a_clip.mp4", "b_clip.mp4"]


def test_disks_that_do_not_tell_letters_apart() -> None:
    assert named("a/Clip.mp4", "b/clip.mp4") == ["a_Clip", "b_clip"]
    assert len({name.casefold() for name in named("Clip.mp4", "clip.mp4")}) == 2
    composed, apart = (unicodedata.normalize(form, "é.mp4") for form in ("NFC", "NFD"))
    assert len({unicodedata.normalize("NFC", name) for name in named(composed, apart)}) == 2


def test_a_name_that_another_was_given() -> None:
    names = named("cam1/0800.mp4", "cam2/0800.mp4", "cam1_0800.mp4")
    assert len(set(names)) == 3
    assert names[1] == "cam2_0800"


FOLDERS = st.lists(st.sampled_from(["a", "b", "A", "a_b", "ä"]), max_size=3)
FILES = st.sampled_from(["x.mp4", "x.mkv", "X.mp4", "a_x.mp4", "x.mp4.mkv", "b_x.mkv", "x"])
VIDEOS = st.lists(st.tuples(FOLDERS, FILES).map(lambda parts: ROOT.joinpath(*parts[0], parts[1])), unique=True)


@given(VIDEOS)
def test_each_has_a_name_of_its_own_and_keeps_it_where_it_can(videos: list[Path]) -> None:
    names = names_of(videos)
    keys = [unicodedata.normalize("NFC", name).casefold() for name in names.values()]
    assert list(names) == videos and len(set(keys)) == len(keys)
    stems = [video.stem.casefold() for video in videos]
    for video in videos:
        assert names[video].casefold().endswith(video.stem.casefold()) or "_" in names[video] or "." in names[video]
        if stems.count(video.stem.casefold()) == 1 and keys.count(video.stem.casefold()) == 1:
            assert names[video] == video.stem
        assert "/" not in names[video]


@given(VIDEOS.filter(lambda videos: len(videos) < 5))
def test_the_order_of_naming_changes_nothing(videos: list[Path]) -> None:
    names = names_of(videos)
    for order in itertools.islice(itertools.permutations(videos), 6):
        assert names_of(order) == names


def test_further_names_are_all_others() -> None:
    further = list(further_names(ROOT / "cam" / "clip.mp4"))
    assert further == ["cam_clip", "cam_clip.mp4", "films_cam_clip", "films_cam_clip.mp4"]
