"""The folder of fetched models on this machine, and the verification of their files.

Standard library only, because set-up imports it.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from framefleet.errors import SetupError
from framefleet.install_hints import cache_folder
from framefleet.models import file_sha256
from framefleet.models.catalog import CATALOG

FETCHER = "framefleet.models.fetch"

STAMP = ".checked"
"""The file in a model's folder with the sizes and times of its files when their sha256s were last verified."""


def models_folder() -> Path:
    """Return where fetched models are kept: FRAMEFLEET_MODELS, or the user's cache.

    It has no option because set-up uses it too.
    """
    if chosen := os.environ.get("FRAMEFLEET_MODELS"):
        return Path(chosen)
    return cache_folder() / "models"


def model_folder(name: str) -> Path:
    """Return the folder with the files of model `name`, verified.

    Raises `SetupError` ("model_missing" or "model_damaged"), whose hint is the command that fetches it.
    """
    folder = models_folder() / name
    if wrong := wrong_files(name, folder):
        damaged = (folder / wrong[0]).is_file()
        why = "not the model expected" if damaged else f"{CATALOG[name].title} was not fetched"
        code = "model_damaged" if damaged else "model_missing"
        raise SetupError(f"{folder / wrong[0]}: {why}", hint=f"run: {sys.executable} -m {FETCHER} {name}", code=code)
    return folder


def has_model(name: str) -> bool:
    """Return whether model `name` is complete on this machine."""
    return not wrong_files(name, models_folder() / name)


def wrong_files(name: str, folder: Path) -> list[str]:
    """Return the names of the model's files that are missing in `folder` or have another sha256, if theirs is known.

    Files that were right are not read again until their size or time changes: hashing 145 MB takes 0.3 s.
    """
    files = CATALOG[name].files
    state = _state(folder, files)
    if state is not None and _read(folder / STAMP) == state:
        return []
    wrong = [file for file, sha256 in files.items() if not _is(folder / file, sha256)]
    if not wrong and state is not None:
        with suppress(OSError):  # a folder without write permission is hashed each time
            (folder / STAMP).write_text(state, encoding="utf-8")
    return wrong


def _state(folder: Path, files: Mapping[str, str | None]) -> str | None:
    try:
        stats = [(name, (folder / name).stat()) for name in files]
    except OSError:
        return None
    return "".join(f"{name} {files[name]} {stat.st_size} {stat.st_mtime_ns}\n" for name, stat in stats)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _is(path: Path, sha256: str | None) -> bool:
    return path.is_file() and (sha256 is None or file_sha256(path) == sha256)
