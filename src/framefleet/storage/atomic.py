"""Files that are written completely or not at all."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framefleet.errors import OutputError

HALF = ".framefleet."  # the prefix of files that are being written


@contextmanager
def whole_file(path: Path, *, over: bool = True, mode: int = 0o644) -> Iterator[Path]:
    """Yield a temporary file next to `path`, which is renamed to it at the end, and deleted after an error.

    So a reader sees the old file or the new one. It has the extension of `path`, by which some libraries choose the
    format. Raises `OutputError` if the folder cannot be written, and without `over` `FileExistsError` if something has
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


def write_whole(path: Path, content: bytes, *, over: bool = True, mode: int = 0o644) -> None:
    """Write the content as `whole_file` does. Raises `OutputError`."""
    with whole_file(path, over=over, mode=mode) as temporary:
        temporary.write_bytes(content)


@contextmanager
def neighbour(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield a new file in the folder, which is deleted at the end unless it was renamed."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=HALF, suffix=suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def put_in_place(temporary: Path, path: Path, *, over: bool = True, mode: int = 0o644) -> None:
    """Rename the file to `path`, once its content is on disk.

    Without `over` nothing is replaced: raises `FileExistsError` if something has the name.
    """
    with temporary.open("r+b") as file:
        os.fsync(file.fileno())
    temporary.chmod(mode)
    if over:
        temporary.replace(path)
    elif os.name == "nt":
        temporary.rename(path)  # on Windows this replaces nothing
    else:
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            raise
        except OSError:  # exFAT and some network disks have no links: there the second of two writers may win
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            temporary.replace(path)


def not_written(path: Path, error: OSError) -> OutputError:
    """Return the error that reports why `path` cannot be written."""
    if error.errno == errno.ENOENT and not path.parent.exists():
        return OutputError(f"{path}: there is no folder {path.parent}", hint="create it, or give another")
    space = "free some space or " if error.errno in {errno.ENOSPC, errno.EDQUOT} else ""
    return OutputError(f"{path}: cannot be written ({error.strerror})", hint=f"{space}give another folder")
