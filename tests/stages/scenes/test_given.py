"""Scenes of a file are read, or it is said what is wrong with which."""

import json

import pytest

from framefleet.errors import InputError
from framefleet.stages.scene import Scene
from framefleet.stages.scenes.given import read_scenes


@pytest.fixture
def write(tmp_path):
    def writer(content):
        path = tmp_path / "scenes.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return writer


@pytest.mark.parametrize(
    "content",
    [
        [[0, 4], [4, 9.5]],
        [{"start_s": 0, "end_s": 4, "title": "one"}, {"start": 4.0, "end": 9.5}],
        {"scenes": [{"index": 0, "start_s": 0, "end_s": 4, "thumbnail_s": 1}, [4, 9.55]]},
        "\ufeff[[0, 4], [4, 9.5]]",
    ],
)
def test_scenes_are_read(write, content):
    assert read_scenes(write(content), 9.5) == [Scene(0, 0.0, 4.0, 2.0), Scene(1, 4.0, 9.5, 6.75)]


def test_parts_may_be_left_out(write):
    assert [scene.start_s for scene in read_scenes(write([[1, 2], [5, 6]]), 9.5)] == [1.0, 5.0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[0, 4]", "not JSON"),
        ("[[0, NaN]]", "not JSON"),
        ("[[0, 1e999]]", "scenes.json"),
        ("[" * 100_000, "not JSON"),
        ("3", "not a list of scenes"),
        ({"cuts": [1]}, "not a list of scenes"),
        ([], "no scene in it"),
        ([[0, 4], [4]], "scene 1: needs a start and an end"),
        ([[0, 4], {"start_s": 4}], "scene 1: needs a start and an end"),
        (["0-4"], "scene 0: needs a start and an end"),
        ([[0, "4"]], "scene 0: '4' is not a number"),
        ([[True, 4]], "scene 0: True is not a number"),
        ([[0, None]], "scene 0: None is not a number"),
        ([[-1, 4]], "starts before 0"),
        ([[4, 4]], "ends no later than it starts"),
        ([[4, 3]], "ends no later than it starts"),
        ([[5, 6], [0, 4]], "sort the scenes by start"),
        ([[0, 4], [3.9, 6]], r"scene 1 \(3.9–6 s\): overlaps the scene before, which ends at 4 s"),
        ([[0, 11]], "ends after the video's end at 9.5 s"),
        ([[9.5, 9.55]], "ends after the video's end at 9.5 s"),
    ],
)
def test_what_is_wrong_is_said(write, content, said):
    with pytest.raises(InputError, match=said) as caught:
        read_scenes(write(content), 9.5)
    assert "scenes.json" in str(caught.value)


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: cannot be read"):
        read_scenes(tmp_path / "none.json", 1.0)
    with pytest.raises(InputError, match="cannot be read"):
        read_scenes(tmp_path, 1.0)


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "scenes.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not JSON"):
        read_scenes(path, 1.0)
