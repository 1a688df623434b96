"""Embedded models and labels, and the verification of model files. PROVENANCE.md states their sources."""

import hashlib
from functools import cache
from pathlib import Path

from framefleet.errors import SetupError

FOLDER = Path(__file__).parent

YOLOV3_TINY = FOLDER / "yolov3-tiny.onnx"
YOLOV3_TINY_SHA256 = "a3ec412f5ed2cccde597ee77ec57f5d611c1728625167ade1d14d347baf31374"


@cache
def coco_labels() -> tuple[str, ...]:
    """Return the 80 COCO class names, in the order of their class numbers."""
    return tuple((FOLDER / "coco.names").read_text(encoding="utf-8").split("\n")[:80])


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(path: Path, sha256: str, remedy: str) -> Path:
    """Return `path` if its SHA-256 is the expected one. Raises `SetupError` with `remedy` as its hint."""
    if not path.is_file():
        raise SetupError(f"{path}: the model file is missing", hint=remedy)
    if (found := file_sha256(path)) != sha256:
        raise SetupError(f"{path}: not the model expected (sha256 {found[:12]}…, not {sha256[:12]}…)", hint=remedy)
    return path


def model_identity(model: str | None) -> str | None:
    """Return what identifies a model: the SHA-256 of a file or of a folder's `model.bin`, else the name itself."""
    path = Path(model or "")
    for file in (path, path / "model.bin"):
        if model and file.is_file():
            return file_sha256(file)
    return model
