"""What is made of a document: where it goes, never in place of what it is made of, and folders written as a whole."""

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
_MARK = ".framefleet.json"  # in a folder that `whole_folder` made: the sha256 of each file in it


def beside(document: Path, ending: str) -> Path:
    """Where something made of a document goes: `clip_report.html`, with "_report.html", beside `clip_results.json`."""
    return document.with_name(document.stem.removesuffix(Path(ENDING).stem) + ending)


def without_wildcards(document: Path) -> Path:
    """The document's path with nothing in its name that data frames and trainers, which take names for patterns, look
    for other files by, as are given to downloads, such as `My Clip [dQw4w9WgXcQ].mp4`.

    Where that is the name of another document beside it, too, six digits of its own tell it apart.
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
    """Where something made of a document goes: beside it, or to `output`, or into that where it is a folder.

    A folder is one that exists, or a name that ends in a slash, which is made now. Raises `OutputError` where it cannot
    be made, and `UsageError` where `output` is to be a file and has not the suffix of `ending`.
    """
    made = beside(document, ending)
    if output is None:
        return made
    if is_folder(output):
        return folder_at(output) / made.name
    path, suffix = Path(output), Path(f"clip{ending}").suffix
    if suffix and path.suffix.lower() != suffix:
        raise UsageError(f"{path}: give a name that ends in {suffix}, or a folder's, with / at its end")
    return path


def is_folder(output: str) -> bool:
    """Whether that stands for a folder to write into, and not for the very thing to be written.

    A folder that was written as one whole is the latter, also with the slash that completing its name leaves.
    """
    path = Path(output)
    return not (path / _MARK).is_file() and (output.endswith(_SLASHES) or path.is_dir())


def folder_at(output: str) -> Path:
    """The folder of that name, made now unless it is there. Raises `OutputError`."""
    path = Path(output)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: no folder can be made there ({error.strerror})", hint="give another") from None
    return path


def keep_apart(target: Path, sources: Iterable[Path]) -> None:
    """Raises `UsageError` where the file `target` is one of those it is made of, `OutputError` where it is a folder."""
    try:
        target.stat()  # from Python 3.14 on, `exists` and `is_dir` say no where they should say why
        if target.is_dir():
            raise OutputError(f"{target}: a folder", hint="give the name of a file")
        if any(source.exists() and target.samefile(source) for source in sources):
            raise UsageError(f"{target}: what is to be written is made of it", hint="give another name with --output")
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror})", hint="give another name") from None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A new folder to fill. At the end it takes the name `path`, and after an error it is gone.

    What is there already is only replaced if it is a folder that was made so, and nothing was put into it, changed or
    taken away since: somebody's corrections are never lost. Raises `OutputError` otherwise, before anything is
    written, and where the place cannot be written.
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
        raise OutputError(f"{path}: in the way", hint="move it or give another output folder") from None
    if changed:
        raise OutputError(
            f"{path}: {min(changed)} in it is not as it was written", hint="move it or give another folder"
        )


def _names(folder: Path) -> list[str]:
    """All files in `folder`, but for the mark."""
    inside = (p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    return sorted(p.relative_to(folder).as_posix() for p in inside if p != folder / _MARK)


def _swap(new: Path, path: Path) -> None:
    """`new` takes the name `path`; what had it goes."""
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
