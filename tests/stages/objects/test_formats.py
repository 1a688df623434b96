"""Detectors of each format: told apart by what goes in and comes out, and their boxes found where they are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.models import coco_labels
from framefleet.stages.objects.worker.engines.base import DetectionSettings
from framefleet.stages.objects.worker.engines.formats import best_queries, cells_of
from framefleet.stages.objects.worker.engines.letterbox import Scaler, stretched, top_left
from framefleet.stages.objects.worker.engines.onnx import OnnxEngine
from framefleet.stages.objects.worker.handler import make_handler

from .networks import BATCH, Output, dfine, logit, network, rfdetr, ultralytics, yolox
from .pictures import huge_jpeg, job, jpeg, stop_sign

PERSON, BICYCLE, TOOTHBRUSH = 0, 1, 79


def frame(height: int, width: int, colour: tuple[int, int, int] = (0, 0, 0)) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def look(path: Path, *frames: NDArray[np.uint8], **settings: Any) -> list[list[list[float]]]:
    """What the detector in the file finds in each: x1, y1, x2, y2, confidence, class."""
    engine = OnnxEngine(str(path), threads=2)
    settled = engine.settle(DetectionSettings(**{"imgsz": 640, "conf": 0.3} | settings))
    return [rows.round(3).tolist() for rows in engine.detect(frames or [frame(100, 200)], settled)]


def test_boxes_of_dfine_are_shares_of_the_frame_whatever_its_shape(tmp_path: Path) -> None:
    path = dfine(tmp_path / "m.onnx", [(PERSON, 0.6, (0.5, 0.5, 0.2, 0.4)), (TOOTHBRUSH, 0.9, (0.1, 0.9, 0.2, 0.2))])
    wide, tall = look(path, frame(100, 200), frame(300, 100))
    assert [row[4:] for row in wide] == [[pytest.approx(0.9), TOOTHBRUSH], [pytest.approx(0.6), PERSON]]
    assert wide[1][:4] == pytest.approx([80, 30, 120, 70], abs=0.01)
    assert tall[1][:4] == pytest.approx([40, 90, 60, 210], abs=0.01)
    assert wide[0][:4] == pytest.approx([0, 80, 40, 100], abs=0.01)


def test_dfine_has_no_suppression(tmp_path: Path) -> None:
    same = (0.5, 0.5, 0.2, 0.2)
    path = dfine(tmp_path / "m.onnx", [(PERSON, 0.6, same), (PERSON, 0.5, same)])
    assert [row[4:] for row in look(path)[0]] == [[pytest.approx(0.6), PERSON], [pytest.approx(0.5), PERSON]]


def test_a_query_may_be_of_two_classes() -> None:
    logits = np.array([[logit(0.6), -9, logit(0.7)], [-9, -9, -9]], np.float32)
    rows = best_queries(logits, np.full((2, 4), 0.5, np.float32), (10, 20), DetectionSettings(imgsz=20))
    assert rows.tolist() == [pytest.approx([5, 2.5, 15, 7.5, 0.7, 2]), pytest.approx([5, 2.5, 15, 7.5, 0.6, 0])]


def test_a_box_that_is_no_number_is_none() -> None:
    boxes = np.array([[0.5] * 4, [np.nan, 0.5, 0.5, 0.5]], np.float32)
    rows = best_queries(np.ones((2, 1), np.float32), boxes, (10, 20), DetectionSettings(imgsz=20))
    assert len(rows) == 1


def test_only_the_wanted_classes_and_only_so_many(tmp_path: Path) -> None:
    boxes = [(kind, 0.9 - kind / 10, (0.5, 0.5, 0.1, 0.1)) for kind in range(4)]
    path = dfine(tmp_path / "m.onnx", boxes)
    assert [row[5] for row in look(path, classes=[1, 3])[0]] == [1, 3]
    assert [row[5] for row in look(path, max_det=2)[0]] == [0, 1]


@pytest.mark.parametrize("size", [(640, 640), ("height", "width")])
def test_dfine_sees_red_green_blue_from_0_to_1_in_its_own_size(tmp_path: Path, size: tuple[object, object]) -> None:
    for channel, level in enumerate((51, 102, 204)):
        seen = [(PERSON, 0.5, (0.5, 0.5, 0.5, 0.5))]
        path = dfine(tmp_path / f"{channel}.onnx", seen, size=size, sees=(0, PERSON), channel=channel)
        (found,) = look(path, frame(30, 90, (51, 102, 204)), max_det=1)
        assert logit(found[0][4]) == pytest.approx(level / 255, abs=0.01)
    engine = OnnxEngine(str(path))
    assert engine._format.place(90, 30, 1280).outer == (640, 640)
    settled = engine.settle(DetectionSettings(imgsz=1280))
    assert (settled.imgsz, settled.fixed) == (640, True)


@pytest.mark.full
def test_frames_for_dfine_are_averaged_when_they_shrink() -> None:
    stripes = np.zeros((640, 1280, 3), np.uint8)
    stripes[:, ::2] = 200
    shrunk = Scaler(smooth=True)(stripes, stretched(1280, 640, (640, 640)))[0]
    assert shrunk.shape == (3, 640, 640)
    assert shrunk[:, :, 1:-1] * 255 == pytest.approx(100, abs=1)


def test_rfdetr_takes_off_the_mean_and_its_columns_are_category_numbers(tmp_path: Path) -> None:
    box = (0.5, 0.5, 0.5, 0.5)
    path = rfdetr(tmp_path / "m.onnx", [(1, 0.9, box), (90, 0.8, box), (12, 0.95, box), (13, 0.7, box)])
    (found,) = look(path)
    labels = OnnxEngine(str(path)).labels
    assert [labels[int(row[5])] for row in found] == ["person", "toothbrush", "stop sign"]
    assert [row[5] for row in found] == [0, 79, 11]
    assert found[0][:4] == pytest.approx([50, 25, 150, 75], abs=0.01)


def test_rfdetr_sees_each_channel_by_imagenets_mean(tmp_path: Path) -> None:
    for channel, (mean, deviation) in enumerate([(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)]):
        path = rfdetr(tmp_path / f"{channel}.onnx", [(1, 0.5, (0.5,) * 4)], sees=(0, 1), channel=channel)
        (found,) = look(path, frame(60, 60, (153, 153, 153)), conf=0.01, max_det=1)
        assert logit(found[0][4]) == pytest.approx((0.6 - mean) / deviation, abs=0.02)


def test_an_rfdetr_of_other_classes_has_a_last_column_that_is_none(tmp_path: Path) -> None:
    path = rfdetr(tmp_path / "m.onnx", [(0, 0.9, (0.5,) * 4), (3, 0.99, (0.5,) * 4)], columns=4)
    assert [row[5] for row in look(path)[0]] == [0]
    assert OnnxEngine(str(path)).labels == {}


def test_yolox_boxes_of_all_three_grids_are_found_back(tmp_path: Path) -> None:
    boxes = [(PERSON, 0.9, (100, 50, 40, 60)), (BICYCLE, 0.8, (300.5, 100, 20, 30)), (7, 0.7, (200, 180, 390, 90))]
    path = yolox(tmp_path / "m.onnx", boxes)
    (found,) = look(path, frame(416, 832))  # half as large in the input, at its top left
    assert [row[5] for row in found] == [PERSON, BICYCLE, 7]
    assert found[0][:4] == pytest.approx([160, 40, 240, 160], abs=0.05)
    assert found[1][:4] == pytest.approx([581, 170, 621, 230], abs=0.05)
    assert found[2][:4] == pytest.approx([10, 270, 790, 416], abs=0.05)


def test_yolox_suppresses_by_class_and_drops_boxes_without_end(tmp_path: Path) -> None:
    boxes = [(PERSON, 0.9, (100, 100, 40, 40)), (PERSON, 0.8, (104, 100, 40, 40)), (BICYCLE, 0.7, (100, 100, 40, 40))]
    path = yolox(tmp_path / "m.onnx", [*boxes, (3, 0.99, (50, 50, 1e38, 1e38))])
    assert [(row[5], row[4]) for row in look(path, frame(416, 416))[0] if row[5] != 3] == [
        (PERSON, pytest.approx(0.9)), (BICYCLE, pytest.approx(0.7))
    ]  # fmt: skip


def test_yolox_sees_blue_green_red_from_0_to_255_with_grey_at_the_right_or_below(tmp_path: Path) -> None:
    colour = (10, 60, 200)
    for channel, level in enumerate((200, 60, 10)):
        path = yolox(tmp_path / f"{channel}.onnx", [], sees=(0, 4), channel=channel)
        engine = OnnxEngine(str(path))
        image = engine._format.prepare(frame(208, 416, colour), engine._format.place(416, 208, 416))
        assert image.shape == (1, 3, 416, 416)
        assert (image[0, channel, :208] == level).all()
        assert (image[0, :, 208:] == 114).all()


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_box_at_the_top_left_finds_back(width: int, height: int) -> None:
    place = top_left(width, height, (416, 416))
    assert place.outer == (416, 416)
    assert (place.left, place.top) == (0, 0)
    restored = place.restore(np.array([[0, 0, place.inner_width, place.inner_height], [-9, -9, 999, 999]], np.float32))
    assert restored == pytest.approx(np.array([[0, 0, width, height]] * 2), rel=1e-5)


def test_each_cell_of_yolox_has_its_place_and_stride() -> None:
    cells = cells_of((64, 96))
    assert len(cells) == 8 * 12 + 4 * 6 + 2 * 3
    assert cells[12].tolist() == [0, 1, 8]
    assert cells[8 * 12 + 7].tolist() == [1, 1, 16]
    assert cells[-1].tolist() == [2, 1, 32]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 99)), max_size=12), st.integers(1, 15))
def test_the_best_come_first_and_no_more_than_asked(found: list[tuple[int, int]], most: int) -> None:
    logits = np.full((12, 4), -np.inf, np.float32)
    for query, (kind, percent) in enumerate(found):
        logits[query, kind] = logit(percent / 100)
    settings = DetectionSettings(imgsz=1, max_det=most, conf=0.145)
    rows = best_queries(logits, np.full((12, 4), 0.5, np.float32), (10, 20), settings)
    wanted = sorted((percent / 100 for _, percent in found if percent >= 15), reverse=True)
    assert rows[:, 4].tolist() == pytest.approx(wanted[:most], abs=1e-3)


MAKERS: dict[str, Callable[..., Path]] = {"dfine": dfine, "yolox": yolox, "rfdetr": rfdetr}


@pytest.mark.full
@pytest.mark.parametrize("batch", [1, 3, BATCH])
@pytest.mark.parametrize("kind", MAKERS)
def test_any_batch_goes_through_any_network_and_each_frame_has_its_own_boxes(
    tmp_path: Path, kind: str, batch: object
) -> None:
    where = (104, 104, 52, 52) if kind == "yolox" else (0.5, 0.5, 0.25, 0.25)
    path = MAKERS[kind](tmp_path / "m.onnx", [(1, 0.9, where)], batch=batch)
    frames = [frame(100, 100 + 20 * number) for number in range(7)]
    together = look(path, *frames)
    assert len({str(rows) for rows in together}) > 1
    for one, rows in zip(frames, together, strict=True):
        assert rows == look(path, one)[0]
        assert len(rows) == 1


@pytest.mark.parametrize("kind", MAKERS)
def test_a_frame_that_cannot_be_read_fails_alone(tmp_path: Path, kind: str) -> None:
    where = (104, 104, 52, 52) if kind == "yolox" else (0.5, 0.5, 0.25, 0.25)
    handler = make_handler(OnnxEngine(str(MAKERS[kind](tmp_path / "m.onnx", [(1, 0.9, where)]))))
    good = jpeg(stop_sign())
    reply = handler(job(good, b"garbage", huge_jpeg(), good, imgsz=1280))
    assert [frame["error"] is None for frame in reply["frames"]] == [True, False, False, True]
    assert reply["frames"][0]["objects"] == reply["frames"][3]["objects"] != []
    side = {"dfine": 640, "yolox": 416, "rfdetr": 384}[kind]
    assert (reply["imgsz"], reply["imgsz_fixed"], reply["half"]) == (side, True, False)


@pytest.mark.parametrize("kind", ["dfine", "yolox"])
def test_eighty_classes_are_cocos(tmp_path: Path, kind: str) -> None:
    assert OnnxEngine(str(MAKERS[kind](tmp_path / "m.onnx", []))).labels == dict(enumerate(coco_labels()))
    assert OnnxEngine(str(MAKERS[kind](tmp_path / "m.onnx", [], classes=3))).labels == {}


def test_a_detector_of_ultralytics_is_asked_in_rectangles(tmp_path: Path) -> None:
    path = ultralytics(tmp_path / "m.onnx", [(1, 0.9, (32, 32, 16, 16))])
    engine = OnnxEngine(str(path))
    assert engine._format.place(200, 100, 64).outer == (32, 64)
    assert engine.settle(DetectionSettings(imgsz=60)).fixed is False
    assert look(path, frame(64, 64), imgsz=64) == [[[24, 24, 40, 40, pytest.approx(0.9), 1]]]


@pytest.mark.parametrize(
    ("entry", "outputs"),
    [
        (("images", [1, 3, 640, 640]), {"output0": (300, 6)}),  # with suppression built in
        (("images", [1, 3, 640, 640]), {"output": (25_200, 6)}),  # YOLOv5 of one class
        (("images", [1, 3, 64, 64]), {"boxes": (9, 4), "scores": (9, 3)}),
        (("pixels", [1, 1, 640, 640]), {"logits": (300, 80), "pred_boxes": (300, 4)}),  # grey
        (("input", [1, 3, "height", "width"]), {"dets": (300, 4), "labels": (300, 91)}),
    ],
)
def test_a_network_of_no_known_format_is_refused_with_what_is_expected(
    tmp_path: Path, entry: tuple[str, list[object]], outputs: dict[str, tuple[int, int]]
) -> None:
    answers = {name: Output(np.zeros(shape, np.float32)) for name, shape in outputs.items()}
    with pytest.raises(SetupError) as refused:
        OnnxEngine(str(network(tmp_path / "m.onnx", entry, answers)))
    assert refused.value.code == "detector_shape"
    assert "\n" not in str(refused.value)
    for said in ("m.onnx: not a supported detector", *outputs, "Ultralytics", "YOLOX", "D-FINE", "RF-DETR"):
        assert said in str(refused.value)
