"""The edit that makes YAMNet's graph, published for one patch of sound at a time, accept batches."""

from collections.abc import Iterator

_GRAPH = 7  # field numbers in onnx.proto: ModelProto.graph
_VALUE_INFO = 13  # GraphProto.value_info

_ONE, _ANY = b"\x0a\x02\x08\x01", b"\x0a\x02\x12\x00"
"""A first dimension of 1, and an unknown one. Both have the same length, so that no enclosing length changes."""

_EDITS = (
    # audio: (1, 1, 96, 64), class_scores: (1, 521)
    (_ONE + _ONE + b"\x0a\x02\x08\x60\x0a\x02\x08\x40", _ANY + _ONE + b"\x0a\x02\x08\x60\x0a\x02\x08\x40"),
    (b"class_scores\x12\x0f\x0a\x0d\x08\x02\x12\x09" + _ONE, b"class_scores\x12\x0f\x0a\x0d\x08\x02\x12\x09" + _ANY),
    # Reshape to (1, −1); 0 keeps the dimension of the input
    (b"J\x10" + (1).to_bytes(8, "little") + b"\xff" * 8, b"J\x10" + (0).to_bytes(8, "little") + b"\xff" * 8),
)


def batchable(model: bytes) -> bytes:
    """Return the model with a free first dimension. The caller verifies the input and the result by their SHA-256."""
    return b"".join(_edited(body) if number == _GRAPH else field for number, field, body in _fields(model))


def _edited(graph: bytes) -> bytes:
    """Return the edited graph as a field of the model."""
    kept = b"".join(field for number, field, _ in _fields(graph) if number != _VALUE_INFO)
    for old, new in _EDITS:
        kept = kept.replace(old, new)
    return bytes([_GRAPH << 3 | 2]) + _varint(len(kept)) + kept


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield the number, all bytes and the content of each field."""
    at = 0
    while at < len(message):
        start = at
        tag, at = _read_varint(message, at)
        length, after = _read_varint(message, at)
        body, at = (message[after : after + length], after + length) if tag & 7 == 2 else (b"", after)
        yield tag >> 3, message[start:at], body


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def _varint(value: int) -> bytes:
    low, high = value & 127, value >> 7
    return bytes([low | 128]) + _varint(high) if high else bytes([low])
