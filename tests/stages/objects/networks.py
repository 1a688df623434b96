"""ONNX files that take and return what detectors do, with answers set by hand.

python -m tests.stages.objects.networks FOLDER      writes one of each
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

BATCH = "batch"


@dataclass(frozen=True)
class Output:
    """What is returned for any frame: (rows, columns). In the cell `sees`, the input's mean in a channel is added."""

    answer: NDArray[np.float32]
    sees: tuple[int, int] | None = None
    channel: int = 0


def network(
    path: Path,
    entry: tuple[str, Sequence[object]],
    outputs: Mapping[str, Output],
    *,
    metadata: Mapping[str, str] | None = None,
    told: Mapping[str, Sequence[object]] | None = None,
) -> Path:
    """Write a network with one input, a name and a shape. `told` are shapes that outputs are said to have."""
    name, shape = entry
    nodes = [helper.make_node("ReduceMean", [name], ["means"], axes=[2, 3], keepdims=0)]
    constants = [helper.make_tensor("single", TensorProto.INT64, [3], [-1, 1, 1])]
    values = []
    for said, output in outputs.items():
        mask = np.zeros_like(output.answer)
        if output.sees is not None:
            mask[output.sees] = 1
        at = helper.make_tensor(f"{said}_channel", TensorProto.INT64, [1], [output.channel])
        constants += [at, _floats(f"{said}_answer", output.answer[None]), _floats(f"{said}_mask", mask[None])]
        nodes += [
            helper.make_node("Gather", ["means", at.name], [f"{said}_mean"], axis=1),
            helper.make_node("Reshape", [f"{said}_mean", "single"], [f"{said}_one"]),
            helper.make_node("Mul", [f"{said}_one", f"{said}_mask"], [f"{said}_seen"]),
            helper.make_node("Add", [f"{said}_seen", f"{said}_answer"], [said]),
        ]
        made = (told or {}).get(said, [shape[0], *output.answer.shape])
        values.append(helper.make_tensor_value_info(said, TensorProto.FLOAT, made))
    entries = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
    graph = helper.make_graph(nodes, "detector", entries, values, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    for key, value in (metadata or {}).items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def _floats(name: str, values: NDArray[np.float32]) -> onnx.TensorProto:
    return helper.make_tensor(name, TensorProto.FLOAT, values.shape, values.astype(np.float32).tobytes(), raw=True)


Found = tuple[int, float, tuple[float, float, float, float]]
"""A class, its score, and the centre and size of its box."""


def logit(score: float) -> float:
    return float(np.log(score / (1 - score)))


def dfine(
    path: Path, found: Sequence[Found], *, batch: object = BATCH, size: tuple[object, object] = (640, 640),
    classes: int = 80, sees: tuple[int, int] | None = None, channel: int = 0,
) -> Path:  # fmt: skip
    """Write D-FINE's network as the hub has it: 300 queries, boxes as shares of the frame."""
    logits, boxes = _queries(found, classes)
    outputs = {"logits": Output(logits, sees, channel), "pred_boxes": Output(boxes)}
    return network(path, ("pixel_values", [batch, 3, *size]), outputs)


def rfdetr(
    path: Path, found: Sequence[Found], *, batch: object = 1, side: int = 384, columns: int = 91,
    sees: tuple[int, int] | None = None, channel: int = 0,
) -> Path:  # fmt: skip
    """Write RF-DETR's network as its own export does: a column for each category number of COCO."""
    logits, boxes = _queries(found, columns)
    outputs = {"dets": Output(boxes), "labels": Output(logits, sees, channel)}
    return network(path, ("input", [batch, 3, side, side]), outputs)


def _queries(found: Sequence[Found], columns: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    logits, boxes = np.full((300, columns), -9, np.float32), np.full((300, 4), 0.5, np.float32)
    for query, (number, score, box) in enumerate(found):
        logits[query, number], boxes[query] = logit(score), box
    return logits, boxes


def yolox(
    path: Path, found: Sequence[Found], *, batch: object = 1, side: int = 416, classes: int = 80,
    sees: tuple[int, int] | None = None, channel: int = 0,
) -> Path:  # fmt: skip
    """Write YOLOX's network as its release has it, before the grids are applied. Boxes are in pixels of the input.

    Each is said by the cell that its centre is in, of the grid of 8, 16 or 32 pixels that its number has in turn.
    """
    counts = [(side // stride) ** 2 for stride in (8, 16, 32)]
    raw = np.zeros((sum(counts), 5 + classes), np.float32)
    for number, (kind, score, (x, y, width, height)) in enumerate(found):
        grid = number % 3
        stride = (8, 16, 32)[grid]
        column, row = int(x // stride), int(y // stride)
        anchor = sum(counts[:grid]) + row * (side // stride) + column
        raw[anchor, :4] = x / stride - column, y / stride - row, np.log(width / stride), np.log(height / stride)
        raw[anchor, 4], raw[anchor, 5 + kind] = 1, score
    return network(path, ("images", [batch, 3, side, side]), {"output": Output(raw, sees, channel)})


def ultralytics(
    path: Path, found: Sequence[Found], *, batch: object = BATCH, size: tuple[object, object] = ("height", "width"),
    names: Sequence[str] = ("a", "b"),
) -> Path:  # fmt: skip
    """Write a network as Ultralytics exports YOLOv8. Boxes are in pixels of the input."""
    raw = np.zeros((4 + len(names), max(1, len(found))), np.float32)
    for anchor, (kind, score, box) in enumerate(found):
        raw[:4, anchor], raw[4 + kind, anchor] = box, score
    metadata = {"names": str(dict(enumerate(names)))}
    told = {"output0": [batch, len(raw), "anchors"]}
    return network(path, ("images", [batch, 3, *size]), {"output0": Output(raw)}, metadata=metadata, told=told)


def main() -> None:
    folder = Path(sys.argv[1])
    centre: list[Found] = [(0, 0.9, (0.5, 0.5, 0.2, 0.4))]
    pixels: list[Found] = [(0, 0.9, (208, 208, 80, 160))]
    print(dfine(folder / "dfine.onnx", centre), rfdetr(folder / "rfdetr.onnx", [(1, *centre[0][1:])]))
    print(yolox(folder / "yolox.onnx", pixels), ultralytics(folder / "ultralytics.onnx", pixels))


if __name__ == "__main__":
    main()
