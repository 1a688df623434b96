"""Files that are written whole or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framefleet.errors import OutputError

HALF = ".framefleet."  # begins the names of files that are being written


@contextmanager
def whole_file(path: Path, *, over: bool = True, mode: int = 0o644) -> Iterator[Path]:
    """A neighbour of `path` to write to. At the end it takes that name, and after an error it is gone.

    So a reader sees the old file or the new one. It has the ending of `path`, by which some libraries know the format.
    Raises `OutputError` where the place cannot be written, and without `over` `FileExistsError` where something has
    the name by then.
    """
    try:
        with neighbour(path.parent, path.suffix) as temporary:
            yield temporary
            put_in_place(temporary, path, over=over, mode=mode)
    except OSError as error:
        if isinstance(error, FileExistsError) and not over:
            raise
        raise not_written(path, error) from None


def write_whole(path: Path, content: bytes, *, over: bool = True) -> None:
    """Write the content as `whole_file` does. Raises `OutputError`."""
    with whole_file(path, over=over) as temporary:
        temporary.write_bytes(content)


@contextmanager
def neighbour(folder: Path, suffix: str) -> Iterator[Path]:
    """A new file in the folder, which is gone at the end unless it was put in its place."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=HALF, suffix=suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def put_in_place(temporary: Path, path: Path, *, over: bool = True, mode: int = 0o644) -> None:
    """Give the file the name `path`, once its content is on the disk.

    Without `over` nothing is replaced, whoever is first: raises `FileExistsError`.
    """
    with temporary.open("r+b") as file:
        os.fsync(file.fileno())
    temporary.chmod(mode)
    if over:
        temporary.replace(path)
    elif os.name == "nt":
        temporary.rename(path)  # replaces nothing there
    else:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # no links on exFAT and some network disks: there the second of two may win
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            temporary.replace(path)


def not_written(path: Path, error: OSError) -> OutputError:
    """Return the error that tells a person why `path` cannot be written."""
    if error.errno == errno.ENOENT and not path.parent.exists():
        return OutputError(f"{path}: there is no folder {path.parent}", hint="make it, or give another")
    space = "free some space or " if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
    return OutputError(f"{path}: cannot be written ({error.strerror}); {space}give another folder")
