"""Finding the video that a document is about, which may have been moved since."""

from errno import ENAMETOOLONG
from pathlib import Path
from stat import S_ISREG

from framefleet.errors import InputError
from framefleet.models import file_sha256
from framefleet.schema.document import Document


def find_video(document: Document, path: Path, given: Path | None = None) -> Path:
    """The file of the document that lies at `path`: `given`, or looked for beside the document and where it was.

    Goes by the content, not the name. Raises `InputError` where it is not there, or is another video.
    """
    if given is not None:
        _check_readable(given)
        if not _is_it(given, document):
            raise InputError(f"{given}: not the video that {path} is about", hint="give the one that was analysed")
        return given
    for place in places(document, path):
        if _is_file(place) and _is_it(place, document):
            return place
    was = document.video.path
    raise InputError(f"{was}: the video is no longer there, or has changed", hint="say where it is with --video FILE")


def places(document: Document, path: Path) -> list[Path]:
    """Where the video of the document at `path` may be, whether it is or not.

    Beside the document comes first: what lies together is moved together, and a report goes with what lies beside it.
    """
    was = Path(document.video.path)
    here = path.absolute().parent
    return list(dict.fromkeys((here / was.name, was, here / was, here.parent / was.name)))


def _check_readable(given: Path) -> None:
    """Raises `InputError`, which says whether there is no such file or it is kept from being read."""
    try:
        if S_ISREG(given.stat().st_mode):  # opening a pipe would never end
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
    except OSError:  # longer than a name may be
        return False


def _is_it(path: Path, document: Document) -> bool:
    try:
        return file_sha256(path) == document.video.sha256
    except OSError:
        return False
