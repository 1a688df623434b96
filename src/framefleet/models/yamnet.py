"""The location of YAMNet on this machine.

YAMNet is not part of the project: the package that contains it states no licence. Standard library only, because set-up
runs this module.
"""

import os
import sys
from pathlib import Path

from framefleet.errors import SetupError
from framefleet.install_hints import cache_folder
from framefleet.models import file_sha256

FETCHER = "framefleet.models.fetch"

GRAPH, WEIGHTS, CLASSES = "yamnet.onnx", "model.data", "yamnet_class_map.csv"

SHA256 = {
    GRAPH: "2d0d0008a86410e0ecbcaeddde15dcc2d46f824c23ecee6fd57c5fe25336f4ef",
    WEIGHTS: "c6faf7f7dba0d179293fdcc3468a9a10f54ab8fbc1547218880bae79ff9f8126",
    CLASSES: "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
}
"""The hashes of the three files as `models.fetch` writes them."""


def models_folder() -> Path:
    """Return the folder of downloaded models: FRAMEFLEET_MODELS, or the user's cache.

    It is not an option of the command line, because set-up needs it too.
    """
    if chosen := os.environ.get("FRAMEFLEET_MODELS"):
        return Path(chosen)
    return cache_folder() / "models"


def yamnet_files() -> Path:
    """Return the folder with YAMNet's graph, weights and class names, verified. Raises `SetupError`."""
    folder = models_folder() / "yamnet"
    wrong = wrong_files(folder)
    if wrong:
        raise SetupError(f"{folder / wrong[0]}: {_why(folder / wrong[0])}", hint=f"run: {sys.executable} -m {FETCHER}")
    return folder


def wrong_files(folder: Path) -> list[str]:
    """Return the names of YAMNet's files that are missing in `folder` or have another hash."""
    return [name for name, sha256 in SHA256.items() if not _is(folder / name, sha256)]


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and file_sha256(path) == sha256


def _why(path: Path) -> str:
    return "not the model expected" if path.is_file() else "the model for sounds was not fetched"
