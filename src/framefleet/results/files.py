"""Output paths for files made from a document, checks that they replace no source, and atomic folders."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from framefleet.errors import OutputError, UsageError
from framefleet.models import file_sha256
from framefleet.storage.atomic import HALF, not_written
from framefleet.storage.folder import ENDING

_SLASHES = tuple(filter(None, ("/", os.sep, os.altsep)))
_MARK = ".framefleet.json"  # in a folder made by `whole_folder`: the SHA-256 of each file in it


def beside(document: Path, ending: str) -> Path:
    """Return the path next to the document with another ending: `clip_report.html` for `clip_results.json`."""
    return document.with_name(document.stem.removesuffix(Path(ENDING).stem) + ending)


def without_wildcards(document: Path) -> Path:
    """Return the document's path without wildcard characters in its name, such as `My Clip [dQw4w9WgXcQ].mp4` has.

    Data frame libraries and trainers take names for patterns. If another document in the folder comes to the same
    name, six digits of a hash are added.
    """
    plain = _plain(document.name)
    if plain == document.name:
        return document
    with contextlib.suppress(OSError):
        if any(_plain(other.name) == plain and other.name != document.name for other in document.parent.iterdir()):
            digits = hashlib.sha256(document.name.encode("utf-8", "surrogateescape")).hexdigest()[:6]
            plain = f"{_plain(beside(document, '').name)}_{digits}{ENDING}"
    return document.with_name(plain)


def _plain(name: str) -> str:
    return name.translate(str.maketrans("[]{}*?", "()()__"))


def target(document: Path, ending: str, output: str | None) -> Path:
    """Return the output path for a file made from a document: next to it, `output`, or in `output` if it is a folder.

    A folder is one that exists, or a name that ends in a slash, which is created. Raises `OutputError` if it cannot be
    created, and `UsageError` if `output` is a file without the suffix of `ending`.
    """
    made = beside(document, ending)
    if output is None:
        return made
    if is_folder(output):
        return folder_at(output) / made.name
    path, suffix = Path(output), Path(f"clip{ending}").suffix
    if suffix and path.suffix.lower() != suffix:
        raise UsageError(
            f"{path}: the name does not end in {suffix}", hint=f"give a name with {suffix}, or a folder ending in /"
        )
    return path


def is_folder(output: str) -> bool:
    """Return whether `output` is a folder to write into, and not the output itself.

    A folder that `whole_folder` wrote is the output itself, also with the trailing slash of shell completion.
    """
    path = Path(output)
    return not (path / _MARK).is_file() and (output.endswith(_SLASHES) or path.is_dir())


def folder_at(output: str) -> Path:
    """Return the folder of that name, created if it does not exist. Raises `OutputError`."""
    path = Path(output)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path}: the folder cannot be created ({error.strerror})", hint="give another folder"
        ) from None
    return path


def keep_apart(target: Path, sources: Iterable[Path]) -> None:
    """Raise `UsageError` if `target` is one of its own source files, `OutputError` if it is a folder."""
    try:
        target.stat()  # from Python 3.14 on, `exists` and `is_dir` return False instead of raising
        if target.is_dir():
            raise OutputError(f"{target}: is a folder", hint="give the name of a file")
        if any(source.exists() and target.samefile(source) for source in sources):
            raise UsageError(f"{target}: is the source of this output", hint="give another name as --output")
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror})", hint="give another name") from None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder to fill, which is renamed to `path` at the end, or removed after an error.

    An existing `path` is only replaced if it is a folder made by this function in which no file was added, changed or
    removed since, so that manual corrections are never lost. Raises `OutputError` otherwise, before anything is
    written, and if the place is not writable.
    """
    try:
        _make_sure_it_is_ours(path)
        temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=HALF))
        try:
            yield temporary
            marks = {name: file_sha256(temporary / name) for name in _names(temporary)}
            (temporary / _MARK).write_text(json.dumps(marks, indent=0), "utf-8")
            temporary.chmod(0o755)
            _swap(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise not_written(path, error) from None


def _make_sure_it_is_ours(path: Path) -> None:
    if not path.exists() and not path.is_symlink():
        return
    try:
        marks = dict(json.loads((path / _MARK).read_text("utf-8")))
        changed = set(marks) ^ set(_names(path)) or {n for n, mark in marks.items() if file_sha256(path / n) != mark}
    except (OSError, ValueError, TypeError):
        raise OutputError(f"{path}: already exists", hint="move it or give another output folder") from None
    if changed:
        raise OutputError(
            f"{path}: {min(changed)} was changed since it was written", hint="move it or give another folder"
        )


def _names(folder: Path) -> list[str]:
    """Return all files in `folder` except the mark."""
    inside = (p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    return sorted(p.relative_to(folder).as_posix() for p in inside if p != folder / _MARK)


def _swap(new: Path, path: Path) -> None:
    """Rename `new` to `path` and remove the folder that had the name."""
    if not path.exists():
        new.replace(path)
        return
    old = Path(tempfile.mkdtemp(dir=path.parent, prefix=HALF))
    try:
        path.replace(old / "old")
        try:
            new.replace(path)
        except OSError:
            (old / "old").replace(path)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
