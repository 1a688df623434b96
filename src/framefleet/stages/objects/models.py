"""The detectors of this machine by name: which one a run takes, its file, and remarks on it."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from framefleet.errors import FrameFleetError, SetupError, UsageError
from framefleet.models import model_identity
from framefleet.models.catalog import CATALOG
from framefleet.models.store import FETCHER, has_model, model_folder, models_folder

EMBEDDED = "yolov3-tiny"

SIDE = {"d-fine-n": 640, "d-fine-s": 640, "yolox-tiny": 416, "yolox-s": 640}
"""The fetched models, and the only input size of each, in pixels. The embedded one takes any."""

COST = {"d-fine-n": 4.0, "d-fine-s": 14.0, "yolox-tiny": 2.0, "yolox-s": 7.0}
"""CPU time per frame of 16:9, as a multiple of the embedded model's, which takes it as a rectangle of 416 × 256.

Measured (benchmarks/detector.py --shapes); D-FINE-S is D-FINE-N's by their numbers of operations.
"""

PREFERRED = ("d-fine-n", "yolox-tiny")
"""What is used by default if it was fetched, the best first; else the embedded model."""

NAMES = (*SIDE, EMBEDDED)


def is_file(model: str | None) -> bool:
    """Return whether the model is given as a file."""
    return model is not None and model.endswith(".onnx")


def chosen(model: str | None, imgsz: int | None) -> str:
    """Return the name of the model that is used, or its file. `model` and `imgsz` are the options.

    Without `model`, it is the first of `PREFERRED` that is there and takes `imgsz`, and stays so for this process: what
    another one fetches meanwhile must not change the model of a run.
    """
    return model or _default(models_folder(), imgsz)


@cache
def _default(_folder: Path, imgsz: int | None) -> str:
    return next((name for name in PREFERRED if imgsz in {None, SIDE[name]} and has_model(name)), EMBEDDED)


def check(model: str | None, imgsz: int | None) -> None:
    """Raise `UsageError` for a model that this machine does not have, or an input size that it does not take."""
    if is_file(model):
        if not Path(str(model)).is_file():
            raise UsageError(f"--yolo-model {model}: no such file")
    elif model is not None and model not in NAMES:
        raise UsageError(
            f"--yolo-model {model}: no such model on this machine",
            hint=f"give one of {', '.join(NAMES)} or the path of an .onnx file, or set FRAMEFLEET_YOLO_ENDPOINT to an "
            "endpoint that has it",
            code="unknown_model",
        )
    if model in SIDE and imgsz not in {None, SIDE[model]}:
        raise UsageError(
            f"--imgsz {imgsz}: {model} only takes {SIDE[model]}",
            hint=f"leave it out, or use --yolo-model {EMBEDDED}, which takes any",
        )


def identity(name: str) -> str | None:
    """Return what distinguishes the model in keys: its sha256; None for the embedded one, as it has always been."""
    if name == EMBEDDED:
        return None
    return next(iter(CATALOG[name].files.values())) if name in SIDE else model_identity(name)


def default_imgsz(name: str) -> int:
    """Return the input size in pixels: the model's own, or for a file the default of Ultralytics' exports."""
    return 416 if name == EMBEDDED else SIDE.get(name, 640)


def file_of(name: str) -> str | None:
    """Return the model's file, whose content is the one expected; None for the embedded one. Raises `SetupError`."""
    if name == EMBEDDED:
        return None
    return str(model_folder(name) / f"{name}.onnx") if name in SIDE else name


def lacks(name: str) -> bool:
    """Return whether the model has to be fetched first."""
    return name in SIDE and not has_model(name)


def fetch(name: str, tell: Callable[[str], object]) -> None:
    """Fetch the model unless it is there. Raises `SetupError` that says what else to pass."""
    from framefleet.models.fetch import fetch as fetched

    try:
        fetched(name, tell=tell)
    except FrameFleetError as error:
        hint = "pass the path of an .onnx file, or leave --yolo-model out"
        raise SetupError(f"--yolo-model {name}: {error.message}", hint=hint, code=error.code) from None


def fallback_for(answered: str | None) -> str | None:
    """Return the model that this machine prefers, if `answered` is a lesser one of its own; else None."""
    return PREFERRED[0] if answered in set(NAMES) - {PREFERRED[0]} else None


def remark(model: str | None, imgsz: int | None) -> str | None:
    """Return what follows the model's name: that it is to be downloaded, or why it is not the best one."""
    name, best = chosen(model, imgsz), PREFERRED[0]
    if lacks(name):
        return f"to be downloaded ({CATALOG[name].megabytes:.0f} MB)"
    if model is not None or name == best:
        return None
    if imgsz not in {None, SIDE[best]}:
        return f"as {best} does not take --imgsz {imgsz}"
    return f"as {best} was not downloaded; for better results run: {sys.executable} -m {FETCHER} {best}"
