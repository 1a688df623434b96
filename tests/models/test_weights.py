"""The embedded models are the ones their provenance tells of."""

from pathlib import Path

import onnxruntime
import pytest

from framefleet.errors import SetupError
from framefleet.models import (
    FOLDER,
    YOLOV3_TINY,
    YOLOV3_TINY_SHA256,
    checked,
    coco_labels,
    file_sha256,
)


def test_the_detector_is_the_one_expected() -> None:
    assert file_sha256(YOLOV3_TINY) == YOLOV3_TINY_SHA256
    assert YOLOV3_TINY_SHA256 in (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")


def test_every_model_has_its_provenance() -> None:
    told = (FOLDER / "PROVENANCE.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in told for path in FOLDER.iterdir() if path.suffix in {".onnx", ".names"})


@pytest.mark.full
def test_the_detector_has_the_shape_of_yolov8_and_the_coco_labels() -> None:
    session = onnxruntime.InferenceSession(YOLOV3_TINY, providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == ["batch", 3, "height", "width"]
    assert session.get_outputs()[0].shape == ["batch", 84, "anchors"]
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["names"] == str(dict(enumerate(coco_labels())))
    assert (metadata["stride"], metadata["task"], metadata["imgsz"]) == ("32", "detect", "[416, 416]")


def test_labels() -> None:
    labels = coco_labels()
    assert (len(labels), labels[0], labels[39], labels[79]) == (80, "person", "bottle", "toothbrush")


def test_a_file_that_is_not_the_one_expected(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(SetupError, match="missing; get it anew"):
        checked(path, "0" * 64, "get it anew")
    path.write_bytes(b"other")
    with pytest.raises(SetupError, match=r"not the model expected .*; get it anew"):
        checked(path, "0" * 64, "get it anew")
    assert checked(path, file_sha256(path), "") == path
