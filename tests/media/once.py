"""Each clip is encoded once a session, whichever tests ask for it and on whichever worker they run."""

import functools
import hashlib
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec

P = ParamSpec("P")
Make = Callable[Concatenate[Path, P], Path]

_folder: Path | None = None


def keep_in(folder: Path) -> None:
    """Clips made from now on are kept there; all workers of a session name the same folder."""
    global _folder  # noqa: PLW0603
    folder.mkdir(exist_ok=True)
    _folder = folder


def once(make: Make[P]) -> Make[P]:
    """`make(path, …)`, which writes a file at `path`, done once for equal arguments; later calls copy that file.

    The caller owns its copy, and may damage it.
    """

    @functools.wraps(make)
    def made(path: Path, *args: P.args, **kwargs: P.kwargs) -> Path:
        if _folder is None:
            return make(path, *args, **kwargs)
        key = hashlib.sha256(pickle.dumps((make.__module__, make.__qualname__, args, sorted(kwargs.items()))))
        kept = _folder / f"{key.hexdigest()[:32]}{path.suffix}"
        if not kept.exists():  # two workers may both make it: whoever is last replaces it by its equal
            own = kept.with_name(f"{os.getpid()}-{kept.name}")
            make(own, *args, **kwargs)
            own.replace(kept)
        shutil.copyfile(kept, path)
        return path

    return made
