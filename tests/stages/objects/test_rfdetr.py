"""The RF-DETR engine on a stand-in of the package `rfdetr`, by its documented interface."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from framefleet.errors import SetupError
from framefleet.models import file_sha256
from framefleet.stages.objects.worker.engines import open_engine
from framefleet.stages.objects.worker.engines.base import DetectionSettings
from framefleet.stages.objects.worker.handler import make_handler

from .pictures import huge_jpeg, job, jpeg, stop_sign

NAMES = ["person", "bicycle", "stop sign"]


class OutOfMemoryError(RuntimeError):
    pass


def detections(*found: tuple[str, float, tuple[int, int, int, int]]) -> SimpleNamespace:
    """What `predict` returns of a frame: as `supervision.Detections`, with COCO's category numbers, in any order."""
    if not found:
        return SimpleNamespace(xyxy=np.empty((0, 4), np.float32), confidence=np.empty(0, np.float32), data={})
    return SimpleNamespace(
        xyxy=np.array([box for *_, box in found], np.float32),
        confidence=np.array([score for _, score, _ in found], np.float32),
        class_id=np.array([13] * len(found)),
        data={"class_name": np.array([label for label, *_ in found])},
    )


class Detr:
    """A loaded model. `fits` is how many frames fit into its memory."""

    class_names = NAMES
    model = SimpleNamespace(resolution=384)

    def __init__(self, path: str) -> None:
        if "broken" in path:
            raise ValueError("Could not infer model class")
        self.path, self.calls, self.fits = path, [], 99
        self.says: list[Any] = [("stop sign", 0.6, (10, 20, 30, 40)), ("person", 0.9, (0, 0, 50, 60))]

    def predict(self, images: list[Any], threshold: float, include_source_image: bool = True) -> list[Any]:
        self.calls.append((len(images), threshold, include_source_image))
        if len(images) > self.fits:
            raise OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")
        assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in images)
        return [detections(*(one for one in self.says if one[1] > threshold)) for _ in images]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    """`engine("name.pth")` opens it on the stand-ins of rfdetr and torch."""
    cuda = SimpleNamespace(is_available=lambda: True, get_device_name=lambda _: "NVIDIA L4", empty_cache=lambda: None)
    rfdetr, torch = ModuleType("rfdetr"), ModuleType("torch")
    rfdetr.RFDETR = SimpleNamespace(from_checkpoint=Detr)  # type: ignore[attr-defined]
    torch.cuda, torch.OutOfMemoryError = cuda, OutOfMemoryError  # type: ignore[attr-defined]
    torch.set_num_threads = lambda _: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rfdetr", rfdetr)
    monkeypatch.setitem(sys.modules, "torch", torch)

    def open_(name: str = "rf-detr-nano.pth") -> Any:
        (tmp_path / name).write_bytes(b"weights")
        return open_engine(str(tmp_path / name), "rfdetr")

    return open_


def test_it_says_what_it_is(engine: Callable[..., Any], tmp_path: Path) -> None:
    opened = engine()
    assert (opened.model, opened.device, opened.gpu) == ("rf-detr-nano", "cuda:0", "NVIDIA L4")
    assert opened.model_id == file_sha256(tmp_path / "rf-detr-nano.pth")
    assert opened.labels == dict(enumerate(NAMES))
    settled = opened.settle(DetectionSettings(imgsz=1280, half=True))
    assert (settled.imgsz, settled.half, settled.fixed) == (384, False, True)


def test_boxes_come_best_first_with_the_number_of_their_name(engine: Callable[..., Any]) -> None:
    opened = engine()
    frames = [stop_sign(), stop_sign()]
    found = opened.detect(frames, opened.settle(DetectionSettings(imgsz=384, conf=0.5)))
    assert [rows[:, 5].tolist() for rows in found] == [[0, 2]] * 2
    assert found[0][0].tolist() == pytest.approx([0, 0, 50, 60, 0.9, 0])
    assert opened._detr.calls == [(2, 0.5, False)]
    (few,) = opened.detect(frames[:1], DetectionSettings(imgsz=384, conf=0.5, classes=[2]))
    assert few[:, 5].tolist() == [2]
    (one,) = opened.detect(frames[:1], DetectionSettings(imgsz=384, conf=0.5, max_det=1))
    assert one[:, 5].tolist() == [0]
    (none,) = opened.detect(frames[:1], DetectionSettings(imgsz=384, conf=0.95))
    assert none.shape == (0, 6)


def test_a_label_that_the_model_does_not_name_is_no_object(engine: Callable[..., Any]) -> None:
    opened = engine()
    opened._detr.says = [("", 0.9, (0, 0, 1, 1)), ("person", 0.8, (0, 0, 1, 1))]
    (found,) = opened.detect([stop_sign()], DetectionSettings(imgsz=384))
    assert found[:, 5].tolist() == [0]


def test_a_frame_that_cannot_be_read_fails_alone(engine: Callable[..., Any]) -> None:
    handler, good = make_handler(engine()), jpeg(stop_sign())
    reply = handler(job(good, b"garbage", huge_jpeg(), good, imgsz=1280))
    assert [frame["error"] is None for frame in reply["frames"]] == [True, False, False, True]
    assert [found["label"] for found in reply["frames"][3]["objects"]] == ["person", "stop sign"]
    assert (reply["imgsz"], reply["imgsz_fixed"], reply["gpu"]) == (384, True, "NVIDIA L4")


def test_a_batch_that_does_not_fit_is_halved(engine: Callable[..., Any]) -> None:
    opened = engine()
    opened._detr.fits = 1
    reply = make_handler(opened)(job(*[jpeg(stop_sign())] * 3))
    assert (len(reply["frames"]), reply["max_batch"]) == (3, 1)


def test_nothing_is_downloaded_and_a_file_it_cannot_load_is_refused(engine: Callable[..., Any]) -> None:
    with pytest.raises(SetupError, match=r"nowhere\.pth: no such model"):
        open_engine("nowhere.pth", "rfdetr")
    with pytest.raises(SetupError, match="Could not infer"):
        engine("broken.pth")


@pytest.mark.parametrize("kind", ["dfine", "rfdetr"])
def test_a_detector_of_an_endpoint_needs_a_file(kind: Any) -> None:
    with pytest.raises(SetupError, match="name a file"):
        open_engine(None, kind)


def test_a_detector_that_nobody_knows() -> None:
    with pytest.raises(SetupError, match="detectron: no such detector; use one of onnx, ultralytics, dfine, rfdetr"):
        open_engine("m.onnx", "detectron")  # type: ignore[arg-type]
