"""The ONNX engine: where a picture lies, what suppression keeps, and detectors other than the embedded one."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from framefleet.errors import SetupError, WorkerError
from framefleet.stages.objects.worker.engines import open_engine
from framefleet.stages.objects.worker.engines.base import DetectionSettings
from framefleet.stages.objects.worker.engines.letterbox import Scaler, fit, rows_to_blend
from framefleet.stages.objects.worker.engines.onnx import OnnxEngine

from .pictures import SIGN_BOX, STOP_SIGN, stop_sign

sides = st.integers(1, 3000)


@pytest.fixture(scope="module")
def engine() -> OnnxEngine:
    return OnnxEngine()


def constant_detector(path: Path, rows: list[list[float]], *, shape: list[object], names: str = "") -> Path:
    """A detector that answers any picture of `shape` with the anchors `rows` (cx, cy, w, h, score of each class)."""
    answer = np.array([rows], np.float32).transpose(0, 2, 1)
    nodes = [
        helper.make_node("ReduceMin", ["images"], ["low"], axes=[1, 2, 3]),
        helper.make_node("Reshape", ["low", "single"], ["one"]),
        helper.make_node("Mul", ["one", "zero"], ["nothing"]),
        helper.make_node("Add", ["answer", "nothing"], ["output0"]),
    ]
    constants = [
        helper.make_tensor("answer", TensorProto.FLOAT, answer.shape, answer.tobytes(), raw=True),
        helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
        helper.make_tensor("single", TensorProto.INT64, [3], [-1, 1, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [shape[0], answer.shape[1], len(rows)])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model.metadata_props.add(key="names", value=names)
    path.write_bytes(model.SerializeToString())
    return path


ANY_SIZE = ["batch", 3, "height", "width"]


@given(sides, sides, st.sampled_from([96, 416, 640]))
def test_the_rectangle_is_the_smallest_of_whole_strides(width: int, height: int, imgsz: int) -> None:
    place = fit(width, height, (imgsz, imgsz), 32)
    assert max(place.inner_width, place.inner_height) == imgsz
    for outer, inner in zip(place.outer, (place.inner_height, place.inner_width), strict=True):
        assert outer % 32 == 0
        assert 0 <= outer - inner < 32
    assert 0 <= place.right - place.left <= 1
    assert 0 <= place.bottom - place.top <= 1


@given(sides, sides)
def test_a_box_finds_back(width: int, height: int) -> None:
    place = fit(width, height, (416, 416), None)
    assert place.outer == (416, 416)
    inner = [place.left, place.top, place.left + place.inner_width, place.top + place.inner_height]
    restored = place.restore(np.array([inner, [-9, -9, 999, 999]], np.float32))
    assert restored == pytest.approx(np.array([[0, 0, width, height]] * 2), rel=1e-5)


def test_known_letterbox() -> None:
    place = fit(1920, 1080, (416, 416), 32)
    assert (place.inner_width, place.inner_height, place.top, place.bottom, place.left) == (416, 234, 11, 11, 0)


@given(sides, sides)
def test_every_row_has_its_whole_share(height: int, inner_height: int) -> None:
    rows, shares = rows_to_blend(height, inner_height)
    assert len(rows) == len(shares) == 2 * inner_height
    assert rows.min() >= 0
    assert rows.max() < height
    assert shares.min() >= 0
    assert (shares[:inner_height] + shares[inner_height:] == 4).all()


@pytest.mark.full
def test_resizing_blends_and_borders_are_grey() -> None:
    ramp = np.repeat(np.repeat(np.arange(0, 200, 2, dtype=np.uint8)[None, :, None], 40, 0), 3, 2)  # 100 × 40
    place = fit(100, 40, (64, 64), 32)
    image = Scaler()(np.ascontiguousarray(ramp), place)[0] * 255
    assert image.shape == (3, 32, 64)
    assert image[:, : place.top] == pytest.approx(114)
    expected = ((np.arange(64) + 0.5) * 100 / 64 - 0.5) * 2
    assert np.abs(image[:, place.top : 32 - place.bottom] - expected).max() < 1.01


@pytest.mark.full
def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    image = Scaler()(picture, fit(96, 64, (96, 96), 32))[0]
    assert (np.round(image * 255).astype(np.uint8) == picture.transpose(2, 0, 1)).all()


@pytest.mark.full
@pytest.mark.parametrize("size", [(240, 320), (1080, 1440), (60, 80)])
def test_finds_the_sign_in_any_size(engine: OnnxEngine, size: tuple[int, int]) -> None:
    scale = size[0] / 240
    rows = (np.arange(size[0]) / scale).astype(int)
    picture = stop_sign()[rows][:, (np.arange(size[1]) / scale).astype(int)]
    (found,) = engine.detect([picture], DetectionSettings(imgsz=416))
    assert found[0, 5] == STOP_SIGN
    assert found[0, :4] == pytest.approx(np.array(SIGN_BOX) * scale, abs=10 * scale)


@pytest.mark.full
def test_a_large_batch_is_answered_as_its_pictures_are(engine: OnnxEngine) -> None:
    pictures = [stop_sign(left=shift) for shift in range(-40, 55, 5)]
    together = engine.detect(pictures, DetectionSettings(imgsz=416))
    for picture, found in zip(pictures, together, strict=True):
        (alone,) = engine.detect([picture], DetectionSettings(imgsz=416))
        assert found == pytest.approx(alone, abs=0.02)


def test_suppression_is_for_each_class_and_by_overlap(tmp_path: Path) -> None:
    rows = [
        [50, 50, 20, 20, 0.9, 0.1],
        [51, 50, 20, 20, 0.8, 0.1],  # as good as the first, of its class: goes
        [51, 50, 20, 20, 0.1, 0.7],  # another class: stays
        [60, 50, 20, 20, 0.6, 0.1],  # a third of the union: stays
        [50, 50, 20, 20, 0.1, 0.1],  # too weak
    ]
    engine = OnnxEngine(str(constant_detector(tmp_path / "m.onnx", rows, shape=ANY_SIZE, names="{0: 'a', 1: 'b'}")))
    (found,) = engine.detect([np.zeros((64, 64, 3), np.uint8)], DetectionSettings(imgsz=64, conf=0.2))
    assert [(round(float(row[4]), 2), int(row[5])) for row in found] == [(0.9, 0), (0.7, 1), (0.6, 0)]
    assert found[0, :4] == pytest.approx([40, 40, 60, 60])
    assert engine.labels == {0: "a", 1: "b"}
    (stricter,) = engine.detect([np.zeros((64, 64, 3), np.uint8)], DetectionSettings(imgsz=64, conf=0.2, iou=0.3))
    assert len(stricter) == 2
    (one,) = engine.detect([np.zeros((64, 64, 3), np.uint8)], DetectionSettings(imgsz=64, conf=0.2, max_det=1))
    assert len(one) == 1


def test_a_detector_without_labels(tmp_path: Path) -> None:
    path = constant_detector(tmp_path / "m.onnx", [[9, 9, 9, 9, 1]], shape=ANY_SIZE, names="no names")
    assert OnnxEngine(str(path)).labels == {}


def test_a_detector_of_fixed_size_and_batch(tmp_path: Path) -> None:
    path = constant_detector(tmp_path / "m.onnx", [[32, 32, 32, 16, 0.9]], shape=[2, 3, 64, 64])
    engine = OnnxEngine(str(path))
    with pytest.raises(WorkerError, match="only takes 64") as raised:
        engine.settle(DetectionSettings(imgsz=416))
    assert raised.value.type == "unsupported"
    pictures = [np.zeros((32, 64, 3), np.uint8)] * 3
    found = engine.detect(pictures, engine.settle(DetectionSettings(imgsz=64)))
    assert [rows[0, :4].tolist() for rows in found] == [[16, 8, 48, 24]] * 3


def test_a_model_that_is_no_detector(tmp_path: Path) -> None:
    path = tmp_path / "add.onnx"
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "ab"]
    graph = helper.make_graph([helper.make_node("Neg", ["a"], ["b"])], "neg", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    with pytest.raises(SetupError, match="not a supported detector"):
        OnnxEngine(str(path))


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "text.onnx"
    path.write_text("not a model")
    with pytest.raises(SetupError, match=r"text\.onnx"):
        open_engine(str(path))


def test_the_ultralytics_engine_needs_a_model() -> None:
    with pytest.raises(SetupError):
        open_engine(None, "ultralytics")


@pytest.mark.full
def test_the_default_engine_loads_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; from framefleet.stages.objects.worker.handler import make_handler, open_engine;"
        "make_handler(open_engine());"
        "heavy = {'cv2', 'torch', 'ultralytics', 'onnx', 'av', 'requests', 'PIL'} & set(sys.modules);"
        "maps = open('/proc/self/maps').read() if sys.platform == 'linux' else '';"
        "sys.exit(f'{heavy} {\"libGL\" in maps}' if heavy or 'libGL' in maps else 0)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
