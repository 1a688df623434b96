"""The pictures of a dataset are those that were looked at, and lie where its files say."""

import io
from fractions import Fraction
from pathlib import Path

import av
import pytest
from msgspec.structs import replace

from framefleet.outputs.export.base import Context
from framefleet.outputs.export.formats import FORMATS, export
from framefleet.outputs.export.frames import frame_numbers
from framefleet.outputs.export.pictures import put_pictures, take_pictures
from framefleet.progress import (
    Event,
    ItemDone,
    StageDone,
    StageStarted,
)
from framefleet.schema.document import Document
from framefleet.schema.objects import Detection
from tests.media.make import make_video, number_of
from tests.outputs.export.documents import sees
from tests.outputs.export.test_datasets import CAT

TIMES = [Fraction(t, 100) for t in (0, 3, 50, 90, 110, 170, 171, 250, 290)]


def number(path: Path) -> tuple[int, int, int]:
    """The frame that a JPEG file shows, and its size."""
    with av.open(io.BytesIO(path.read_bytes())) as picture:
        rgb = next(picture.decode(video=0)).to_ndarray(format="rgb24")
    return number_of(rgb), rgb.shape[1], rgb.shape[0]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    return make_video(tmp_path / "clip.mp4", times=TIMES)


def looked() -> Document:
    """Pictures at 0, 1 and 2 s, the second of which nobody answered."""
    return sees([CAT], None, [CAT])


def test_they_are_the_pictures_on_screen_then_of_the_sources_size(tmp_path: Path, video: Path) -> None:
    told: list[Event] = []
    taken = take_pictures(looked(), video, tmp_path, told.append)
    assert {index: number(path) for index, path in taken.items()} == {0: (0, 160, 120), 2: (6, 160, 120)}
    assert [type(event) for event in told] == [StageStarted, ItemDone, ItemDone, StageDone]


def test_their_frame_is_the_one_that_cvat_is_told(tmp_path: Path, video: Path) -> None:
    shown = [Detection(i, float(t), float(TIMES[k]), []) for i, (t, k) in enumerate([(0, 0), (1, 3), (2, 6)])]
    taken = take_pictures(replace(looked(), detections=shown, tracks=None), video, tmp_path)
    numbers = frame_numbers(looked(), video)
    assert [number(taken[d.index])[0] for d in shown] == [numbers.at(d.pts_s or 0.0) for d in shown] == [0, 3, 6]


def test_a_run_on_keyframes_gives_its_keyframes(tmp_path: Path) -> None:
    video = make_video(tmp_path / "clip.mp4", frames=75)  # a keyframe each 24 frames
    document = looked()
    taken = take_pictures(replace(document, config=replace(document.config, sampling="keyframes")), video, tmp_path)
    assert [number(path)[0] for path in taken.values()] == [0, 48]


def test_nothing_answered_is_no_picture(tmp_path: Path, video: Path) -> None:
    assert take_pictures(sees(None, None), video, tmp_path) == {}


@pytest.mark.parametrize(
    ("form", "places"),
    [
        ("coco", ["images/clip_000000.jpg", "images/clip_000002.jpg"]),
        ("yolo", ["images/clip_000000.jpg", "images/clip_000002.jpg"]),
        ("labelstudio", ["images/clip_000000.jpg", "images/clip_000002.jpg"]),
        ("mot", ["img1/000001.jpg", "img1/000003.jpg"]),
    ],
)
def test_every_format_has_them_at_its_own_place(tmp_path: Path, form: str, places: list[str]) -> None:
    pytest.importorskip("yaml")
    taken = {index: tmp_path / f"{index}.jpg" for index in (0, 2)}
    for path in taken.values():
        path.write_bytes(path.name.encode())
    folder = tmp_path / f"clip_{form}"
    export(looked(), FORMATS[form], folder, stem="clip", pictures=taken)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jpg")}
    assert found == dict(zip(places, (b"0.jpg", b"2.jpg"), strict=True))


def test_a_picture_changed_in_one_dataset_is_not_changed_in_another(tmp_path: Path) -> None:
    source = tmp_path / "0.jpg"
    source.write_bytes(b"picture")
    context = Context(stem="clip", name="clip", pictures={0: source})
    first, second = tmp_path / "a" / "x.jpg", tmp_path / "b" / "x.jpg"
    put_pictures(context, {0: first})
    put_pictures(context, {0: second, 1: tmp_path / "b" / "y.jpg"})
    first.write_bytes(b"turned")
    assert second.read_bytes() == b"picture"
    assert not (tmp_path / "b" / "y.jpg").exists()
