"""Lookup of a document's video, which may have been moved since the run."""

from errno import ENAMETOOLONG
from pathlib import Path
from stat import S_ISREG

from framefleet.errors import InputError
from framefleet.models import file_sha256
from framefleet.schema.document import Document


def find_video(document: Document, path: Path, given: Path | None = None) -> Path:
    """Return the video of the document at `path`: `given`, or the first of `places` that holds it.

    Files are compared by SHA-256, not by name. Raises `InputError` if the video is not found or `given` is another one.
    """
    if given is not None:
        _check_readable(given)
        if not _is_it(given, document):
            raise InputError(f"{given}: not the video that {path} is about", hint="pass the file that was analysed")
        return given
    for place in places(document, path):
        if _is_file(place) and _is_it(place, document):
            return place
    was = document.video.path
    raise InputError(f"{was}: the video is no longer there, or has changed", hint="pass its new path as --video FILE")


def places(document: Document, path: Path) -> list[Path]:
    """Return the paths where the video of the document at `path` may be, without checking them.

    The document's own folder comes first: files of one folder are usually moved together, and a report links to the
    video next to it.
    """
    was = Path(document.video.path)
    here = path.absolute().parent
    return list(dict.fromkeys((here / was.name, was, here / was, here.parent / was.name)))


def _check_readable(given: Path) -> None:
    """Raise `InputError` if the file does not exist or cannot be read."""
    try:
        if S_ISREG(given.stat().st_mode):  # opening a pipe would block
            given.open("rb").close()
            return
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        if error.errno != ENAMETOOLONG:
            raise InputError(f"{given}: cannot be read ({error.strerror})", hint="check its permissions") from None
    raise InputError(f"{given}: no such file", hint="check the name and the folder")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # the name is too long
        return False


def _is_it(path: Path, document: Document) -> bool:
    try:
        return file_sha256(path) == document.video.sha256
    except OSError:
        return False
