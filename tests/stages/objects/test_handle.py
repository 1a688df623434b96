"""The yolo handler on the embedded model."""

import json
from typing import Any

import numpy as np
import pytest

from framefleet.errors import WorkerError
from framefleet.models import YOLOV3_TINY_SHA256
from framefleet.stages.objects.worker.engines.base import DetectionSettings
from framefleet.stages.objects.worker.handler import ObjectsHandler, make_handler, open_engine
from framefleet.worker import pictures as decoding

from .pictures import SIGN_BOX, STOP_SIGN, huge_jpeg, job, jpeg, stop_sign


@pytest.fixture(scope="module")
def handler() -> ObjectsHandler:
    return make_handler(open_engine())


@pytest.mark.full
def test_finds_what_is_in_the_picture(handler: ObjectsHandler) -> None:
    reply = handler(job(jpeg(stop_sign())))
    (found,) = reply["frames"][0]["objects"]
    assert (found["class_id"], found["label"]) == (STOP_SIGN, "stop sign")
    assert found["confidence"] > 0.8
    assert found["box"] == pytest.approx(SIGN_BOX, abs=8)
    assert reply["frames"][0]["error"] is None


@pytest.mark.full
def test_boxes_are_in_source_pixels(handler: ObjectsHandler) -> None:
    small = handler(job(jpeg(stop_sign())))
    large = handler(job(jpeg(stop_sign()), source_width=3200, source_height=720))
    box, scaled = (reply["frames"][0]["objects"][0]["box"] for reply in (small, large))
    assert scaled == pytest.approx([box[0] * 10, box[1] * 3, box[2] * 10, box[3] * 3], abs=0.1)


@pytest.mark.full
def test_boxes_end_at_the_edge_and_come_best_first(handler: ObjectsHandler) -> None:
    half_out = stop_sign(left=100)[:, 60:]
    objects = handler(job(jpeg(half_out), conf=0))["frames"][0]["objects"]
    assert len(objects) > 3
    confidences = [found["confidence"] for found in objects]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 <= x <= 320 and 0 <= y <= 240 for f in objects for x, y in (f["box"][:2], f["box"][2:]))


@pytest.mark.full
def test_says_what_it_is_and_did(handler: ObjectsHandler) -> None:
    reply = handler(job(jpeg(stop_sign()), imgsz=400, half=True))
    assert reply["model"] == "yolov3-tiny"
    assert reply["model_id"] == YOLOV3_TINY_SHA256
    assert (reply["device"], reply["gpu"]) == ("cpu", None)
    assert (reply["imgsz"], reply["half"]) == (416, False)
    timing = reply["timing_ms"]
    assert 0 < timing["decode"] + timing["inference"] <= timing["total"]
    json.dumps(reply)


@pytest.mark.full
def test_probe(handler: ObjectsHandler) -> None:
    reply = handler({"input": {"probe": True}})
    assert reply["schema_versions"] == ["1"]
    assert reply["source_kinds"] == ["jpeg_frames"]
    assert reply["model_id"] == YOLOV3_TINY_SHA256


@pytest.mark.full
def test_takes_bytes_as_well_as_base64(handler: ObjectsHandler) -> None:
    data = jpeg(stop_sign())
    raw = job(data)
    raw["input"]["source"]["frames"][0]["jpeg"] = data
    assert handler(raw)["frames"] == handler(job(data))["frames"]


@pytest.mark.full
def test_one_bad_picture_fails_alone(handler: ObjectsHandler) -> None:
    good = jpeg(stop_sign())
    reply = handler(job(b"garbage", good, good[: len(good) // 2], huge_jpeg(), good, b""))
    frames = reply["frames"]
    assert [frame["index"] for frame in frames] == [0, 1, 2, 3, 4, 5]
    assert [frame["objects"] is None for frame in frames] == [True, False, True, True, False, True]
    assert [frame["error"] is None for frame in frames] == [False, True, False, False, True, False]
    assert frames[1]["objects"] == frames[4]["objects"] != []
    assert "50000 × 50000" in frames[3]["error"]


@pytest.mark.full
def test_a_huge_picture_is_never_decoded(handler: ObjectsHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding.simplejpeg, "decode_jpeg", lambda *_, **__: pytest.fail("decoded"))
    assert handler(job(huge_jpeg()))["frames"][0]["objects"] is None


@pytest.mark.full
def test_a_batch_too_large_for_memory_is_to_be_split(handler: ObjectsHandler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_PIXELS_A_JOB", 2 * 320 * 240)
    data = jpeg(stop_sign())
    assert "frames" in handler(job(data, data))
    assert handler(job(data, data, data))["error"].startswith("out_of_memory: ")


@pytest.mark.full
def test_pictures_of_mixed_sizes(handler: ObjectsHandler) -> None:
    tall = np.concatenate([stop_sign(), np.full((300, 320, 3), 100, np.uint8)])
    alone = [handler(job(jpeg(picture)))["frames"][0]["objects"] for picture in (stop_sign(), tall, stop_sign())]
    mixed = handler(job(*(jpeg(picture) for picture in (stop_sign(), tall, stop_sign()))))
    boxes = [[(o["label"], o["box"]) for o in frame["objects"]] for frame in mixed["frames"]]
    for found, expected in zip(boxes, alone, strict=True):
        assert [label for label, _ in found] == [o["label"] for o in expected]
        assert [box for _, box in found] == [pytest.approx(o["box"], abs=0.1) for o in expected]
    assert boxes[0] == boxes[2] != boxes[1]


@pytest.mark.full
def test_classes_conf_and_max_det(handler: ObjectsHandler) -> None:
    data = jpeg(stop_sign())
    assert handler(job(data, classes=[0, 1]))["frames"][0]["objects"] == []
    assert len(handler(job(data, classes=[STOP_SIGN]))["frames"][0]["objects"]) == 1
    assert handler(job(data, conf=1))["frames"][0]["objects"] == []
    assert len(handler(job(data, conf=0, max_det=3, iou=1))["frames"][0]["objects"]) == 3


@pytest.mark.full
@pytest.mark.parametrize("name", ["yolov3-tiny", "yolov3-tiny.onnx", None])
def test_the_model_loaded_is_asked_for(handler: ObjectsHandler, name: str | None) -> None:
    assert "frames" in handler(job(jpeg(stop_sign()), model=name))


@pytest.mark.full
def test_another_model_is_refused(handler: ObjectsHandler) -> None:
    error = handler(job(jpeg(stop_sign()), model="yolo11m"))["error"]
    assert error.startswith("model_mismatch: ")
    assert "yolo11m" in error
    assert "yolov3-tiny" in error


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"input": None},
        {"input": []},
        {"input": {"probe": False}},
        job(),
        job(b"x", schema_version="2"),
        job(b"x", source={"kind": "url_range"}),
        job(b"x", source_width=0),
        job(b"x", conf=1.5),
        job(b"x", imgsz=10**6),
        job(b"x", max_det=0),
        job(b"x", classes=["person"]),
    ],
)
def test_requests_of_the_wrong_shape(broken: dict[str, Any]) -> None:
    error = make_handler(BrokenEngine([]))(broken)["error"]
    assert error.startswith("invalid_input: ")
    assert "\n" not in error


class BrokenEngine:
    model, model_id, labels, device, gpu = "m", "id", {3: "three"}, "cpu", None

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def settle(self, asked: DetectionSettings) -> DetectionSettings:
        return asked

    def detect(self, pictures: Any, settings: DetectionSettings) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return [self.answer for _ in pictures]


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (RuntimeError("it\nbroke"), "RuntimeError: it broke"),
        (KeyError(), "KeyError: no reason given"),
        (WorkerError("out_of_memory", "too much"), "out_of_memory: too much"),
        (MemoryError("no room"), "out_of_memory: no room; send fewer frames per request"),
    ],
)
def test_an_engine_that_fails_is_one_line(raised: Exception, error: str) -> None:
    assert make_handler(BrokenEngine(raised))(job(jpeg(stop_sign()))) == {"error": error}


def test_numbers_that_are_none_are_no_boxes() -> None:
    rows = np.array([[0, 0, 9, 9, 0.5, 3], [np.nan, 0, 9, 9, 0.9, 3], [0, 0, 9, 9, 0.7, 4]], np.float32)
    objects = make_handler(BrokenEngine(rows))(job(jpeg(stop_sign())))["frames"][0]["objects"]
    assert [(o["label"], o["confidence"]) for o in objects] == [("4", 0.7), ("three", 0.5)]
