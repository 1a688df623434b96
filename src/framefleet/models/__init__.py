"""Embedded models and labels, and the check that a file is the one expected; PROVENANCE.md says whose they are."""

import hashlib
from functools import cache
from pathlib import Path

from framefleet.errors import SetupError

FOLDER = Path(__file__).parent

YOLOV3_TINY = FOLDER / "yolov3-tiny.onnx"
YOLOV3_TINY_SHA256 = "a3ec412f5ed2cccde597ee77ec57f5d611c1728625167ade1d14d347baf31374"


@cache
def coco_labels() -> tuple[str, ...]:
    """The 80 COCO class names, by class number."""
    return tuple((FOLDER / "coco.names").read_text(encoding="utf-8").split("\n")[:80])


def file_sha256(path: Path) -> str:
    """Lower-case hexadecimal sha256 of the file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checked(path: Path, sha256: str, remedy: str) -> Path:
    """`path`, if its content is the one expected. Raises `SetupError`, which ends with the remedy."""
    if not path.is_file():
        raise SetupError(f"{path}: the model file is missing", hint=remedy)
    if (found := file_sha256(path)) != sha256:
        raise SetupError(f"{path}: not the model expected (sha256 {found[:12]}…, not {sha256[:12]}…)", hint=remedy)
    return path


def model_identity(model: str | None) -> str | None:
    """What tells one model from another: a file's content, a folder's `model.bin`, else the name it was asked by."""
    path = Path(model or "")
    for file in (path, path / "model.bin"):
        if model and file.is_file():
            return file_sha256(file)
    return model
