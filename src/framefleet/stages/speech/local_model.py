"""The speech models of this machine by name: which one a run uses, its folder, and a remark on it."""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from framefleet.errors import FrameFleetError, SetupError, UsageError
from framefleet.models import model_identity
from framefleet.models.catalog import CATALOG
from framefleet.models.hub import cached
from framefleet.models.store import FETCHER, has_model, model_folder, models_folder

BASE = "base"
"""The default, if set-up has fetched it: it knows 99 languages, and of English it gets less wrong than tiny.en."""

TINY_EN = "tiny.en"
"""The embedded model, for English only."""

FETCHED = {size: f"whisper-{size}" for size in (BASE, "small", "medium", "large-v3", "large-v3-turbo")}
"""The models that are fetched, by name, with their names in the catalog."""

PACES_S = {TINY_EN: 0.06, BASE: 0.12, "small": 0.4, "medium": 1.1, "large-v3": 2.0, "large-v3-turbo": 0.9}
"""Seconds per second of sound, in int8 on one thread of a server. An hour of speech without a break took tiny.en 182 to
257 s in three runs, and base twice its time. The others are estimates by their size; no one was timed."""

NAMES = (TINY_EN, *FETCHED, "turbo")
_ALSO = {"turbo": "large-v3-turbo"}


def is_folder(model: str | None) -> bool:
    """Return whether the model is given as a folder, or as a path of one. A folder takes precedence over a name."""
    return bool(model) and (Path(str(model)).is_dir() or len(Path(str(model)).parts) > 1)


def chosen(model: str | None) -> str:
    """Return the name of the model that is used, or its folder. `model` is the option.

    Without it, the default stays the same for this process: what another one fetches meanwhile must not change the
    model of a run.
    """
    if model is None:
        return _default(models_folder())
    return model if is_folder(model) else _ALSO.get(model, model)


@cache
def _default(_folder: Path) -> str:
    return BASE if has_model(FETCHED[BASE]) else TINY_EN


def check(model: str | None, language: str | None, task: str) -> None:
    """Raise `UsageError` for a model that this machine does not know, or one that cannot do what is requested."""
    name = chosen(model)
    if not is_folder(model) and name not in NAMES:
        raise UsageError(
            f"--whisper-model {model}: no such model on this machine, and no such folder",
            hint=f"give one of {', '.join(NAMES)} or the folder of a faster-whisper model, or set "
            "FRAMEFLEET_WHISPER_ENDPOINT to an endpoint that has it",
            code="model_unknown",
        )
    if name != TINY_EN or is_folder(model):
        return
    remedy = f"use --whisper-model {BASE}, or set FRAMEFLEET_WHISPER_ENDPOINT"
    if model is None:
        remedy = f"fetch Whisper {BASE} ({_fetching(BASE)}), or set FRAMEFLEET_WHISPER_ENDPOINT"
    which = "the embedded model (tiny.en)"
    if language not in (None, "en"):
        raise UsageError(f"--language {language}: {which} is English-only", hint=remedy)
    if task == "translate":
        raise UsageError(f"--task translate: {which} cannot translate", hint=remedy)


def pace_s(model: str | None) -> float:
    """Return the expected seconds per second of sound; for a folder those of the largest that is usual there, small."""
    return PACES_S.get(chosen(model), PACES_S["small"])


def identity(model: str | None) -> str | None:
    """Return what distinguishes the model in keys: the sha256 of its weights; None for tiny.en, as it always was."""
    name = chosen(model)
    if is_folder(model):
        return model_identity(name)
    return None if name == TINY_EN else CATALOG[FETCHED[name]].files["model.bin"]


def folder_of(model: str | None) -> str | None:
    """Return the model's folder; None for the embedded one. Raises `SetupError` if it is not there."""
    name = chosen(model)
    if is_folder(model):
        return name
    if name == TINY_EN:
        return None
    if not has_model(FETCHED[name]) and (copy := cached(FETCHED[name])) is not None:
        return str(copy)
    return str(model_folder(FETCHED[name]))


def check_content(name: str, sha256: str) -> None:
    """Raise `SetupError` if the weights of a fetched model, which may be the hub's copy, are not those expected."""
    if name in FETCHED and sha256 != CATALOG[FETCHED[name]].files["model.bin"]:
        raise SetupError(
            f"--whisper-model {name}: the copy on this machine is damaged (its sha256 differs)",
            hint="remove it from the hub's cache, or give a folder",
            code="model_damaged",
        )


def lacks(model: str | None) -> bool:
    """Return whether the model has to be fetched first."""
    name = chosen(model)
    return not is_folder(model) and name in FETCHED and not is_there(name)


def is_there(name: str) -> bool:
    """Return whether the model of this name is on this machine, perhaps in the hub's own cache."""
    return name == TINY_EN or has_model(FETCHED[name]) or cached(FETCHED[name]) is not None


def fetch(model: str | None, tell: Callable[[str], object]) -> None:
    """Fetch the model unless it is there. Raises `SetupError` that says what else to give."""
    if not lacks(model):
        return
    from framefleet.models.fetch import fetch as fetched

    name = chosen(model)
    try:
        fetched(FETCHED[name], tell=tell)
        return
    except FrameFleetError as error:
        why, code = error.message, error.code
    except OSError as error:
        why, code = f"cannot be written: {error.strerror}", "fetch_failed"
    hint = "give the folder of a faster-whisper model, or leave --whisper-model out"
    raise SetupError(f"--whisper-model {name}: {why}", hint=hint, code=code)


def remark(model: str | None) -> str | None:
    """Return what follows the model's name: that it is to be downloaded, or why it is not the better one."""
    name = chosen(model)
    if lacks(model):
        return f"would download {CATALOG[FETCHED[name]].megabytes:.0f} MB"
    if model is None and name == TINY_EN:
        return f"English only, as Whisper {BASE} was not downloaded; for better results run: {_fetching(BASE)}"
    return None


def _fetching(name: str) -> str:
    return f"{sys.executable} -m {FETCHER} {FETCHED[name]}"
