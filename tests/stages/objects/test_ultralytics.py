"""The Ultralytics engine for real: a network built without a download, and the embedded one through Ultralytics."""

import importlib.util

import numpy as np
import pytest

from framefleet.errors import SetupError
from framefleet.models import YOLOV3_TINY, YOLOV3_TINY_SHA256
from framefleet.stages.objects.worker.engines import open_engine
from framefleet.stages.objects.worker.engines.base import DetectionSettings
from framefleet.stages.objects.worker.handler import make_handler

from .pictures import STOP_SIGN, huge_jpeg, job, jpeg, stop_sign

pytestmark = [
    pytest.mark.gpu_engines,
    pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="scripts/test --gpu-engines has it"),
]


def test_a_network_built_from_its_plan_answers_every_picture() -> None:
    handler = make_handler(open_engine("yolo11n.yaml", "ultralytics"))
    data = jpeg(stop_sign())
    reply = handler(job(data, b"garbage", data, huge_jpeg(), conf=0, imgsz=96, max_det=7, half=False))
    frames = reply["frames"]
    assert [frame["index"] for frame in frames] == [0, 1, 2, 3]
    assert [frame["error"] is None for frame in frames] == [True, False, True, False]
    assert len(frames[0]["objects"]) == 7
    assert frames[0]["objects"] == frames[2]["objects"]
    assert all(0 <= x <= 320 and 0 <= y <= 240 for o in frames[0]["objects"] for x, y in (o["box"][:2], o["box"][2:]))
    assert (reply["model"], reply["imgsz"]) == ("yolo11n", 96)
    (few,) = handler(job(data, conf=0, imgsz=96, classes=[3], max_det=5))["frames"]
    assert {found["class_id"] for found in few["objects"]} <= {3}


def test_the_batch_goes_through_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(str(YOLOV3_TINY), "ultralytics")
    settings = engine.settle(DetectionSettings(imgsz=416))
    engine.detect([stop_sign()], settings)
    passes = []
    network = engine._yolo.predictor.model  # type: ignore[attr-defined]
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda im, *a, **k: (passes.append(len(im)), forward(im, *a, **k))[1])
    assert len(engine.detect([stop_sign()] * 5, settings)) == 5
    assert passes == [5]


def test_the_embedded_model_agrees_with_our_engine() -> None:
    ours, theirs = open_engine(), open_engine(str(YOLOV3_TINY), "ultralytics")
    assert theirs.model_id == YOLOV3_TINY_SHA256
    assert theirs.labels == ours.labels
    pictures = [stop_sign(640, 360, shift) for shift in range(0, 300, 60)]
    settings = DetectionSettings(imgsz=416)
    for own, other in zip(ours.detect(pictures, settings), theirs.detect(pictures, settings), strict=True):
        assert own[0, 5] == STOP_SIGN
        assert own[:, 5].tolist() == other[:, 5].tolist()
        assert np.abs(own[:, :4] - other[:, :4]).max() < 1
        assert np.abs(own[:, 4] - other[:, 4]).max() < 0.02


def test_too_little_memory_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    engine = open_engine(str(YOLOV3_TINY), "ultralytics")

    def fail(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    monkeypatch.setattr(engine._yolo, "predict", fail)  # type: ignore[attr-defined]
    error = make_handler(engine)(job(jpeg(stop_sign())))["error"]
    assert error.startswith("out_of_memory: ")
    assert "\n" not in error


def test_a_missing_model_is_not_downloaded() -> None:
    with pytest.raises(SetupError, match=r"yolo11m\.pt"):
        open_engine("yolo11m.pt", "ultralytics")
