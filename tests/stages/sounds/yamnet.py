"""The real YAMNet where set-up has fetched it, and a stand-in of its shape that hears one thing: whether it is loud."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from framefleet.models.store import has_model, models_folder
from framefleet.stages.sounds.worker.engines.yamnet import CLASSES, GRAPH, WEIGHTS

REAL = models_folder() / "yamnet"  # now, before tests take FRAMEFLEET_MODELS away
real = pytest.mark.skipif(not has_model("yamnet"), reason="python -m framefleet.models.fetch yamnet")
LOUD = "Loud, louder"


def stand_in(folder: Path, batch: int | str = "batch") -> Path:
    """Class 0 is heard in a loud slice and nothing in a quiet one. `batch` 1 is how the published graph takes it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / GRAPH).write_bytes(graph(batch).SerializeToString())
    (folder / WEIGHTS).write_bytes(b"weights")
    rows = [f'0,/m/0,"{LOUD}"', *(f"{number},/m/{number},class {number}" for number in range(1, 521))]
    (folder / CLASSES).write_text("\n".join(["index,mid,display_name", *rows]) + "\n", encoding="utf-8")
    return folder


def graph(batch: int | str) -> onnx.ModelProto:
    weight = np.zeros((1, 521), np.float32)
    weight[0, 0] = 2
    constants = {
        "shape": np.array([1 if batch == 1 else 0, -1]),
        "weight": weight,
        "low": np.float32(0),
        "high": np.float32(255),
    }
    nodes = [
        helper.make_node("Cast", ["audio"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("GlobalAveragePool", ["floats"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weight"], ["logits"]),
        helper.make_node("Clip", ["logits", "low", "high"], ["kept"]),
        helper.make_node("Cast", ["kept"], ["class_scores"], to=TensorProto.UINT8),
    ]
    made = helper.make_graph(
        nodes,
        "yamnet",
        [helper.make_tensor_value_info("audio", TensorProto.UINT8, [batch, 1, 96, 64])],
        [helper.make_tensor_value_info("class_scores", TensorProto.UINT8, [batch, 521])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
        value_info=[helper.make_tensor_value_info("floats", TensorProto.FLOAT, [batch, 1, 96, 64])],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
