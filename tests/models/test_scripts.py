"""The scripts that make the models: on a small network of random numbers, against Darknet's own arithmetic."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from framefleet.models import FOLDER

SCRIPTS = Path(__file__).parents[2] / "scripts"
CLASSES = 2
CFG = """
[net]
width=32
height=32
channels=3

[convolutional]  # 0
batch_normalize=1
filters=4
size=3
stride=1
pad=1
activation=leaky

[maxpool]  # 1
size=2
stride=2

[maxpool]  # 2
size=2
stride=1

[convolutional]  # 3
size=1
stride=1
pad=1
filters=14
activation=linear

[yolo]  # 4
mask = 1,2
anchors = 1,2, 3,4, 5,6
classes=2

[route]  # 5
layers = -3

[upsample]  # 6
stride=2

[route]  # 7
layers = -1, 0

[convolutional]  # 8
size=1
stride=1
pad=1
filters=7
activation=linear

[yolo]  # 9
mask = 0
anchors = 1,2, 3,4, 5,6
classes=2
"""
Array = NDArray[np.float32]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


class Network:
    """Random weights for `CFG`, exact in 16 bits where the converter stores 16."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(5)
        self.beta, self.mean = self.draw(4), self.draw(4)
        self.gamma = np.array([0.5, 1, 2, 4], np.float32)
        self.variance = np.array([0.25, 1, 4, 0.25], np.float32) - np.float32(1e-6)
        self.first = self.draw(4, 3, 3, 3)
        self.coarse, self.coarse_bias = self.draw(14, 4), self.draw(14)
        self.fine, self.fine_bias = self.draw(7, 8), self.draw(7)

    def draw(self, *shape: int) -> Array:
        return (self.random.integers(-8, 9, shape) / 16).astype(np.float32)

    def file(self) -> bytes:
        header = np.array([0, 2, 5], "<i4").tobytes() + np.array([123], "<i8").tobytes()
        numbers = [
            self.beta, self.gamma, self.mean, self.variance, self.first,
            self.coarse_bias, self.coarse, self.fine_bias, self.fine,
        ]  # fmt: skip
        return header + b"".join(array.astype("<f4").tobytes() for array in numbers)

    def run(self, image: Array) -> Array:
        """(4 + classes, anchors) for (3, h, w), as Darknet's paper has it."""
        height, width = image.shape[1:]
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        raw = np.einsum("chwij,ocij->ohw", windows, self.first)
        scale = (self.gamma / np.sqrt(self.variance + 1e-6))[:, None, None]
        zero = (raw - self.mean[:, None, None]) * scale + self.beta[:, None, None]
        zero = np.where(zero > 0, zero, 0.1 * zero)
        one = zero.reshape(4, height // 2, 2, width // 2, 2).max((2, 4))
        two = np.pad(one, ((0, 0), (0, 1), (0, 1)), constant_values=-np.inf)
        two = np.maximum.reduce([two[:, :-1, :-1], two[:, 1:, :-1], two[:, :-1, 1:], two[:, 1:, 1:]])
        coarse = np.einsum("oc,chw->ohw", self.coarse, two) + self.coarse_bias[:, None, None]
        joined = np.concatenate([two.repeat(2, 1).repeat(2, 2), zero])
        fine = np.einsum("oc,chw->ohw", self.fine, joined) + self.fine_bias[:, None, None]
        parts = [decoded(coarse[:7], (3, 4), 2), decoded(coarse[7:], (5, 6), 2), decoded(fine, (1, 2), 1)]
        return np.concatenate(parts, axis=1)


def decoded(cells: Array, anchor: tuple[int, int], stride: int) -> Array:
    def sigmoid(value: Array) -> Array:
        return 1 / (1 + np.exp(-value))

    rows, columns = np.mgrid[0 : cells.shape[1], 0 : cells.shape[2]]
    box = [
        (sigmoid(cells[0]) + columns) * stride, (sigmoid(cells[1]) + rows) * stride,
        np.exp(cells[2]) * anchor[0], np.exp(cells[3]) * anchor[1],
    ]  # fmt: skip
    return np.stack([*box, *(sigmoid(cells[4]) * sigmoid(cells[5:]))]).reshape(4 + CLASSES, -1)


@pytest.fixture(scope="module")
def converter() -> ModuleType:
    return script("convert_yolov3_tiny")


@pytest.mark.full
@pytest.mark.parametrize("size", [(32, 32), (8, 14)])
def test_the_converted_network_answers_as_darknet_does(converter: ModuleType, size: tuple[int, int]) -> None:
    network = Network()
    model = converter.convert(CFG, network.file(), ["cat", "dog"])
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images = network.random.random((2, 3, *size), np.float32)
    (found,) = session.run(None, {"images": images})
    for answer, image in zip(found, images, strict=True):
        # Gains are powers of two, so 16 bits hold the folded weights; what is left is 32-bit arithmetic.
        assert answer == pytest.approx(network.run(image), rel=1e-4, abs=1e-5)


def test_converting_again_gives_the_same_bytes(converter: ModuleType) -> None:
    made = [converter.convert(CFG, Network().file(), ["cat", "dog"]) for _ in range(2)]
    assert made[0].SerializeToString(deterministic=True) == made[1].SerializeToString(deterministic=True)
    metadata = {item.key: item.value for item in made[0].metadata_props}
    assert (metadata["names"], metadata["stride"]) == ("{0: 'cat', 1: 'dog'}", "2")


@pytest.mark.parametrize("change", [b"1234", None])
def test_weights_of_another_network_are_refused(converter: ModuleType, change: bytes | None) -> None:
    data = Network().file()
    with pytest.raises(SystemExit):
        converter.convert(CFG, data + change if change else data[:-4], ["cat", "dog"])


def test_an_unknown_layer_is_refused(converter: ModuleType) -> None:
    with pytest.raises(SystemExit, match="shortcut"):
        converter.convert(CFG + "\n[shortcut]\nfrom=-1\n", Network().file(), ["cat", "dog"])


@pytest.mark.parametrize("name", ["letterbox", "suppress"])
def test_the_small_graphs_are_the_script_s(name: str) -> None:
    import onnx

    graphs = script("build_detector_graphs")
    assert onnx.load(FOLDER / f"{name}.onnx") == getattr(graphs, name)()
