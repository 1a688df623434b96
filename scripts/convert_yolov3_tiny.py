#!/usr/bin/env python3
"""Convert a Darknet YOLOv3 detector to ONNX with the output shape of YOLOv8.

    python scripts/convert_yolov3_tiny.py yolov3-tiny.cfg yolov3-tiny.weights yolov3-tiny.onnx

Input `images` (N, 3, H, W), RGB, 0-1, H and W multiples of the stride. Output `output0` (N, 4 + classes, anchors):
centre x, centre y, width, height in input pixels, then objectness × class score for every class.
Batch norm is folded into the convolutions; weights are stored as FP16 and cast to FP32 when the model is loaded.
Metadata is that of Ultralytics, so that it can load the file too. The output is reproducible.
Needs numpy and onnx.
"""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
BATCH_NORM_EPS = 1e-6  # Darknet's normalize_cpu and OpenCV's Darknet reader
Section = tuple[str, dict[str, str]]


def read_cfg(text: str) -> list[Section]:
    """Return the sections of a Darknet .cfg, in order, with their settings as text."""
    sections: list[Section] = []
    for line in (raw.split("#")[0].strip() for raw in text.splitlines()):
        if line.startswith("["):
            sections.append((line.strip("[]"), {}))
        elif line:
            key, _, value = line.partition("=")
            sections[-1][1][key.strip()] = value.strip()
    return sections


class Weights:
    """A sequential reader of a Darknet .weights file."""

    def __init__(self, data: bytes) -> None:
        major, minor, _ = np.frombuffer(data, "<i4", 3)
        counter_bytes = 8 if major * 10 + minor >= 2 else 4  # images seen in training: 64 bits since version 0.2
        self._values = np.frombuffer(data, "<f4", offset=12 + counter_bytes)

    def take(self, *shape: int) -> np.ndarray:
        count = int(np.prod(shape))
        if count > self._values.size:
            raise SystemExit("the .weights file ends before the network of the .cfg does")
        taken, self._values = self._values[:count], self._values[count:]
        return taken.reshape(shape)

    @property
    def left(self) -> int:
        return int(self._values.size)


@dataclass
class Graph:
    """The ONNX graph being built."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, op: str, *inputs: str, **attributes: object) -> str:
        """Append a node with one output, and return that output's name."""
        name = f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name, **attributes))
        return name

    def constant(self, value: object, dtype: str) -> str:
        name = f"const_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def half(self, value: np.ndarray) -> str:
        """Add a constant stored in 16 bits and used in 32; ONNX Runtime folds the cast when it loads the model."""
        return self.add("Cast", self.constant(value, "float16"), to=TensorProto.FLOAT)


@dataclass
class Layer:
    """A Darknet layer's output and its number of channels."""

    output: str
    channels: int


def convolution(graph: Graph, weights: Weights, before: Layer, options: dict[str, str]) -> Layer:
    filters, size = int(options["filters"]), int(options["size"])
    bias = weights.take(filters)
    scale = np.ones(filters, np.float32)
    if options.get("batch_normalize") == "1":
        gamma, mean, variance = weights.take(filters), weights.take(filters), weights.take(filters)
        scale = gamma / np.sqrt(variance + BATCH_NORM_EPS)
        bias = bias - mean * scale
    kernel = weights.take(filters, before.channels, size, size) * scale[:, None, None, None]
    pad = size // 2 if options.get("pad") == "1" else 0
    stride = int(options["stride"])
    output = graph.add(
        "Conv", before.output, graph.half(kernel), graph.constant(bias, "float32"),
        kernel_shape=[size, size], pads=[pad] * 4, strides=[stride] * 2,
    )  # fmt: skip
    if options["activation"] == "leaky":
        output = graph.add("LeakyRelu", output, alpha=0.1)
    return Layer(output, filters)


def maxpool(graph: Graph, before: Layer, options: dict[str, str]) -> Layer:
    size, stride = int(options["size"]), int(options["stride"])
    # Darknet pads right and below, which only matters at stride 1, where the size is kept.
    pads = [0, 0, size - 1, size - 1] if stride == 1 else [0] * 4
    output = graph.add("MaxPool", before.output, kernel_shape=[size, size], strides=[stride] * 2, pads=pads)
    return Layer(output, before.channels)


def upsample(graph: Graph, before: Layer, options: dict[str, str]) -> Layer:
    scale = float(options["stride"])
    scales = graph.constant([1, 1, scale, scale], "float32")
    output = graph.add(
        "Resize", before.output, "", scales,
        mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
    )  # fmt: skip
    return Layer(output, before.channels)


def route(graph: Graph, layers: list[Layer], options: dict[str, str]) -> Layer:
    numbers = [int(number) for number in options["layers"].split(",")]
    taken = [layers[number if number >= 0 else len(layers) + number] for number in numbers]
    if len(taken) == 1:
        return taken[0]
    return Layer(graph.add("Concat", *(layer.output for layer in taken), axis=1), sum(t.channels for t in taken))


def decode(graph: Graph, before: Layer, options: dict[str, str], stride: int) -> str:
    """Decode a yolo layer's map (N, anchors × (5 + classes), h, w) to (N, 4 + classes, anchors × h × w).

    xy = (sigmoid(t) + cell) × stride and wh = exp(t) × anchor: https://arxiv.org/abs/1804.02767, 2.1.
    """
    classes = int(options["classes"])
    mask = [int(number) for number in options["mask"].split(",")]
    anchors = np.array([float(side) for side in options["anchors"].split(",")]).reshape(-1, 2)[mask]
    split = graph.constant([0, len(mask), 5 + classes, -1], "int64")
    cells = graph.add("Reshape", before.output, split)  # (N, anchors, 5 + classes, h × w)
    cells = graph.add("Transpose", cells, perm=[0, 2, 1, 3])  # (N, 5 + classes, anchors, h × w)

    def part(start: int, end: int) -> str:
        ends = [graph.constant([number], "int64") for number in (start, end, 1)]
        return graph.add("Slice", cells, *ends)

    moved = graph.add("Add", graph.add("Sigmoid", part(0, 2)), cell_corners(graph, before.output))
    xy = graph.add("Mul", moved, graph.constant(stride, "float32"))
    wh = graph.add("Mul", graph.add("Exp", part(2, 4)), graph.constant(anchors.T[None, :, :, None], "float32"))
    scores = graph.add("Mul", graph.add("Sigmoid", part(4, 5)), graph.add("Sigmoid", part(5, 5 + classes)))
    joined = graph.add("Concat", xy, wh, scores, axis=1)
    return graph.add("Reshape", joined, graph.constant([0, 4 + classes, -1], "int64"))


def cell_corners(graph: Graph, feature_map: str) -> str:
    """Return (2, 1, h × w): column and row of every cell of a map (N, C, h, w), for any image size."""
    shape = graph.add("Shape", feature_map)
    height = graph.add("Gather", shape, graph.constant(2, "int64"))
    width = graph.add("Gather", shape, graph.constant(3, "int64"))
    zero, one = graph.constant(0, "int64"), graph.constant(1, "int64")
    numbers = graph.add("Range", zero, graph.add("Mul", height, width), one)
    rows = [graph.add("Mod", numbers, width), graph.add("Div", numbers, width)]
    axes = graph.constant([0, 1], "int64")
    corners = graph.add("Concat", *(graph.add("Unsqueeze", row, axes) for row in rows), axis=0)
    return graph.add("Cast", corners, to=TensorProto.FLOAT)


def convert(cfg: str, data: bytes, names: list[str]) -> onnx.ModelProto:
    """Convert a Darknet network to ONNX. Raises `SystemExit` for unknown layers."""
    (_, net), *sections = read_cfg(cfg)
    graph, weights = Graph(), Weights(data)
    layers: list[Layer] = []
    outputs: list[str] = []
    strides = [1]  # of every layer, relative to the input
    before = Layer("images", int(net["channels"]))
    for kind, options in sections:
        stride = strides[-1]
        if kind == "convolutional":
            before = convolution(graph, weights, before, options)
            stride *= int(options["stride"])
        elif kind == "maxpool":
            before = maxpool(graph, before, options)
            stride *= int(options["stride"])
        elif kind == "upsample":
            before = upsample(graph, before, options)
            stride //= int(options["stride"])
        elif kind == "route":
            before = route(graph, layers, options)
            stride = strides[1:][int(options["layers"].split(",")[0])]
        elif kind == "yolo":
            outputs.append(decode(graph, before, options, stride))
        else:
            raise SystemExit(f"[{kind}]: unknown Darknet layer")
        layers.append(before)
        strides.append(stride)
    if weights.left:
        raise SystemExit(f"{weights.left} numbers are left in the .weights file: it belongs to another network")
    return finish(graph, outputs, net, names, max(strides))


def finish(graph: Graph, outputs: list[str], net: dict[str, str], names: list[str], stride: int) -> onnx.ModelProto:
    graph.nodes.append(helper.make_node("Concat", outputs, ["output0"], "output", axis=2))
    images = helper.make_tensor_value_info(
        "images", TensorProto.FLOAT, ["batch", int(net["channels"]), "height", "width"]
    )
    output = helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", 4 + len(names), "anchors"])
    body = helper.make_graph(graph.nodes, "darknet", [images], [output], graph.constants)
    model = helper.make_model(
        body, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="framefleet"
    )
    metadata = {
        "task": "detect", "stride": stride, "batch": 1, "channels": int(net["channels"]),
        "imgsz": [int(net["height"]), int(net["width"])], "names": dict(enumerate(names)),
        "args": {"batch": 1, "dynamic": True},
    }  # fmt: skip
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=str(value))
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cfg", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    default_names = Path(__file__).parents[1] / "src/framefleet/models/coco.names"
    parser.add_argument("--names", type=Path, default=default_names, help="class names, one per line")
    args = parser.parse_args()
    names = args.names.read_text(encoding="utf-8").split("\n")
    model = convert(args.cfg.read_text(), args.weights.read_bytes(), [name for name in names if name])
    args.out.write_bytes(model.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()
