"""The encoder of voices as an ONNX graph: three LSTM layers, a linear one and what is above zero of it.

ONNX Runtime takes a fraction of the processor time of NumPy, whose BLAS wakes threads for each small step.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

INPUT, OUTPUT = "looks", "vectors"

_IR_VERSION, _OPSET = 6, 11
_FLOAT, _INT, _INTS = 1, 2, 7  # of TensorProto.DataType, and twice of AttributeProto.AttributeType


def encoder_graph(weights: Mapping[str, NDArray[np.float32]], *, layers: int) -> bytes:
    """Return a model with `looks` (frames, n, bands) in and `vectors` (n, units) out, of torch's weights by name."""
    nodes, constants, source = [], [], INPUT
    for layer in range(layers):
        names = [f"{name}{layer}" for name in "wrb"]
        into, again = (_in_order(weights[f"lstm.weight_{kind}_l{layer}"])[None] for kind in ("ih", "hh"))
        bias = np.concatenate([_in_order(weights[f"lstm.bias_{kind}_l{layer}"]) for kind in ("ih", "hh")])[None]
        constants += [_tensor(*one) for one in zip(names, (into, again, bias), strict=True)]
        units = again.shape[2]
        nodes += [
            _node("LSTM", [source, *names], [f"all{layer}", f"last{layer}"], hidden_size=units),
            _node("Squeeze", [f"all{layer}"], [f"out{layer}"], axes=[1]),
        ]
        source = f"out{layer}"
    constants += [_tensor("linear", weights["linear.weight"]), _tensor("offset", weights["linear.bias"])]
    nodes += [
        _node("Squeeze", [f"last{layers - 1}"], ["last"], axes=[0]),
        _node("Gemm", ["last", "linear", "offset"], ["raised"], transB=1),
        _node("Relu", ["raised"], [OUTPUT]),
    ]
    bands = weights["lstm.weight_ih_l0"].shape[1]
    graph = b"".join(_field(1, node) for node in nodes) + _field(2, b"encoder")
    graph += b"".join(_field(5, constant) for constant in constants)
    graph += _field(11, _value(INPUT, ["frames", "n", bands])) + _field(12, _value(OUTPUT, ["n", units]))
    return _number(1, _IR_VERSION) + _field(7, graph) + _field(8, _field(1, b"") + _number(2, _OPSET))


def _in_order(gates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Torch's gates (in, forget, cell, out) in ONNX's order (in, out, forget, cell)."""
    first, forget, cell, last = np.split(gates, 4)
    return np.concatenate([first, last, forget, cell])


def _node(kind: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int | list[int]) -> bytes:
    body = b"".join(_field(1, name.encode()) for name in inputs)
    body += b"".join(_field(2, name.encode()) for name in outputs)
    body += _field(4, kind.encode())
    for name, value in attributes.items():
        if isinstance(value, int):
            content = _number(3, value) + _number(20, _INT)
        else:
            content = b"".join(_number(8, one) for one in value) + _number(20, _INTS)
        body += _field(5, _field(1, name.encode()) + content)
    return body


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, _FLOAT) + _field(8, name.encode()) + _field(9, values.astype("<f4").tobytes())


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    dims = (_number(1, size) if isinstance(size, int) else _field(2, size.encode()) for size in shape)
    tensor = _number(1, _FLOAT) + _field(2, b"".join(_field(1, dim) for dim in dims))
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _field(number: int, body: bytes) -> bytes:
    """Encode a field with bytes, in the form of protocol buffers."""
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _number(number: int, value: int) -> bytes:
    """Encode a field with a whole number."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    low, high = value & 127, value >> 7
    return bytes([low | 128]) + _varint(high) if high else bytes([low])
