"""The faces stage: which frames it wants, what becomes of CenterFace's output, and faces in a real photograph."""

from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.config.options import Options
from framefleet.errors import SetupError, UsageError
from framefleet.media.files.probe import probe
from framefleet.media.types import Gap, PictureTime, Sample
from framefleet.media.video.request import Pixels, PixelView
from framefleet.models.store import has_model
from framefleet.schema.document import Crop
from framefleet.schema.faces import Face, FacesSeen
from framefleet.stages.faces.centerface import CenterFace, apart, decoded, input_size, open_centerface
from framefleet.stages.faces.spec import FACES, FaceOptions, spans
from framefleet.stages.faces.stage import FacesStage
from framefleet.stages.registry import default, everything
from tests.conftest import ROOT
from tests.media.make import make_video

STAGE = FacesStage(check=lambda: None)

needs_model = pytest.mark.skipif(
    not has_model("centerface"), reason="CenterFace was not fetched: python -m framefleet.models.fetch centerface"
)


class OneFace:
    """A finder that sees a face in the middle half of every frame."""

    def find(self, frames: list[Any], *, long_side: int | None) -> list[Any]:
        assert long_side is None
        return [
            np.array([[f.shape[1] / 4, f.shape[0] / 4, f.shape[1] * 3 / 4, f.shape[0] * 3 / 4, 0.8]]) for f in frames
        ]


def pixels(index: int, width: int = 320, height: int = 180) -> Pixels:
    return Pixels(PictureTime(index, float(index), index - 0.02), np.zeros((height, width, 3), np.uint8))


@pytest.fixture
def media(tmp_path: Path) -> Any:
    return probe(make_video(tmp_path / "v.mp4", size=(640, 360)))


def test_it_is_part_of_a_run_only_by_name() -> None:
    assert "faces" not in default()
    assert "faces" not in everything()


def test_it_wants_as_many_frames_as_the_options_say_640_pixels_long_or_as_set(media: Any) -> None:
    order = STAGE.order(media, FACES.options_for(Options(fps=2)))
    assert [sample.time for sample in order.samples] == [Fraction(n, 2) for n in range(4)]
    assert order.view == PixelView(640)
    options = Options(own={"faces": FaceOptions(fps=5, max_side=960, crop=Crop(0, 0, 64, 64))})
    order = STAGE.order(media, FACES.options_for(options))
    assert len(order.samples) == 10
    assert order.view == PixelView(960, Crop(0, 0, 64, 64))


def test_a_crop_outside_of_the_frame_is_refused(media: Any) -> None:
    with pytest.raises(UsageError):
        STAGE.order(media, Options(crop=Crop(600, 0, 64, 64)))


@pytest.mark.parametrize(
    ("crop", "box"),
    [(None, (160.0, 90.0, 480.0, 270.0)), (Crop(100, 50, 320, 180), (180.0, 95.0, 340.0, 185.0))],
)
def test_boxes_are_in_source_pixels_in_the_order_of_time(media: Any, crop: Crop | None, box: Any) -> None:
    stage = FacesStage(load=lambda: cast(CenterFace, OneFace()))
    watcher = stage.watch(media, replace(Options(), crop=crop), ())
    for index in range(10):
        lost = index == 3
        watcher.see(Gap(Sample(3, Fraction(3)), "damaged") if lost else pixels(index))
    seen = watcher.finish()
    assert [one.index for one in seen] == list(range(10))
    assert seen[3] == FacesSeen(3, 3.0, None, None)
    assert seen[4] == FacesSeen(4, 4.0, 3.98, [Face(0.8, box)])


def test_without_its_model_it_is_refused_before_anything_runs(media: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(media.path.parent / "none"))
    with pytest.raises(UsageError) as raised:
        FacesStage().order(media, Options())
    assert raised.value.code == "model_missing"
    assert "models.fetch centerface" in str(raised.value)


def test_each_face_is_a_span_at_the_moment_of_its_frame() -> None:
    seen = [
        FacesSeen(0, 0.0, 0.0, [Face(0.8, (1, 2, 3, 4))]),
        FacesSeen(1, 1.0, 0.96, []),
        FacesSeen(2, 2.0, None, None),
    ]
    assert [(one.start_s, one.label, one.confidence) for one in spans(seen)] == [(0.0, "face", 0.8)]


def test_what_the_network_says_of_a_face_becomes_a_box() -> None:
    heat, size, offset = (
        np.zeros((16, 32), np.float32),
        np.zeros((2, 16, 32), np.float32),
        np.zeros((2, 16, 32), np.float32),
    )
    heat[8, 10], heat[8, 11] = 0.9, 0.6  # the same face, said twice
    size[:, 8, 10:12] = np.log([[10.0], [5.0]])  # 40 pixels high, 20 wide
    offset[:, 8, 10] = 0.25, -0.25
    (box,) = decoded(heat, size, offset, 0.2)
    assert box == pytest.approx([31, 15, 51, 55, 0.9], abs=1e-3)
    assert len(decoded(heat, size, offset, 0.95)) == 0


box = st.tuples(st.floats(0, 500), st.floats(0, 500), st.floats(5, 99), st.floats(5, 99), st.floats(0.2, 1))


@given(st.lists(box, max_size=12))
def test_boxes_that_stay_are_apart_and_those_that_go_have_a_better_one_in_their_place(boxes: list[Any]) -> None:
    all_of_them = np.array([(x, y, x + w, y + h, s) for x, y, w, h, s in boxes], np.float64).reshape(-1, 5)
    kept = apart(all_of_them)
    scores = all_of_them[kept, 4]
    assert (np.diff(scores) <= 0).all()
    assert len(apart(all_of_them[kept])) == len(kept)
    assert len(kept) >= bool(boxes)
    for number in set(range(len(boxes))) - set(kept.tolist()):
        rivals = all_of_them[[n for n in kept if all_of_them[n, 4] >= all_of_them[number, 4]]]
        assert len(apart(np.concatenate([rivals, all_of_them[number : number + 1]]))) == len(rivals)


@pytest.mark.parametrize(
    ("size", "long_side", "inner"),
    [
        ((1280, 720), 640, (640, 384)),
        ((1280, 720), 960, (960, 544)),
        ((300, 20), 640, (320, 32)),
        ((720, 1280), None, (736, 1280)),
    ],
)
def test_frames_are_looked_at_in_multiples_of_32(size: Any, long_side: int | None, inner: Any) -> None:
    assert input_size(*size, long_side) == inner


def test_a_model_that_was_not_fetched_or_is_another_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path))
    with pytest.raises(SetupError) as raised:
        open_centerface()
    assert raised.value.code == "model_missing"
    (tmp_path / "other.onnx").write_bytes(b"other")
    with pytest.raises(SetupError, match="not CenterFace"):
        CenterFace(tmp_path / "other.onnx")


@pytest.mark.full
@needs_model
@pytest.mark.parametrize("long_side", [640, 960, None])
def test_the_face_in_a_photograph_is_found_whatever_the_size_it_is_looked_at(long_side: int | None) -> None:
    with av.open(str(ROOT / "samples" / "sample.mp4")) as container:
        frame = next(f for f in container.decode(video=0) if f.time is not None and f.time >= 1)
        rgb = frame.to_ndarray(format="rgb24")
    (first,), (second,), nobody = open_centerface().find([rgb, rgb[:, ::-1], np.zeros_like(rgb)], long_side=long_side)
    assert first[:4] == pytest.approx([555, 142, 656, 272], abs=12)
    assert second[:4] == pytest.approx([1280 - 656, 142, 1280 - 555, 272], abs=12)
    assert min(first[4], second[4]) > 0.8
    assert len(nobody) == 0
