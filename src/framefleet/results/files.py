"""Files that come out of a run: their names, and writing them whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from framefleet.errors import OutputError

_RESULTS = "_results"


def document_path(output_dir: Path, video: Path) -> Path:
    return output_dir / f"{video.stem}{_RESULTS}.json"


def beside(document: Path, ending: str) -> Path:
    """Where something made of a document goes: `clip_report.html`, with "_report.html", beside `clip_results.json`."""
    return document.with_name(document.stem.removesuffix(_RESULTS) + ending)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A neighbour of `path` to write to. At the end it takes that name, and after an error it is gone.

    So a reader sees the old file or the new one. It has the ending of `path`, by which some libraries know the format.
    Raises `OutputError` where the place cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".framefleet.", suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            _onto_the_disk(temporary)
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror}); free some space or give another folder"
        ) from None


def write_whole(path: Path, content: bytes) -> None:
    """Raises `OutputError`."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)


def _onto_the_disk(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())
