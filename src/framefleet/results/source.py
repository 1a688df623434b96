"""Finding the video that a document is about, which may have been moved since."""

from pathlib import Path

from framefleet.errors import InputError
from framefleet.results.document import Document
from framefleet.weights import file_sha256


def find_video(document: Document, path: Path, given: Path | None = None) -> Path:
    """The file of the document that lies at `path`: `given`, or looked for where it was and beside the document.

    Goes by the content, not the name. Raises `InputError` where it is not there, or is another video.
    """
    if given is not None:
        if not given.is_file():
            raise InputError(f"{given}: no such file; check the name and the folder")
        if not _is_it(given, document):
            raise InputError(f"{given}: not the video that {path} is about; give the one that was analysed")
        return given
    was = Path(document.video.path)
    here = path.absolute().parent
    for place in dict.fromkeys((was, here / was, here / was.name, here.parent / was.name)):
        if place.is_file() and _is_it(place, document):
            return place
    raise InputError(f"{was}: the video is no longer there, or has changed; say where it is with --video FILE")


def _is_it(path: Path, document: Document) -> bool:
    try:
        return file_sha256(path) == document.video.sha256
    except OSError:
        return False
