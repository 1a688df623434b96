"""`framefleet report`: from a document to the page beside it."""

from dataclasses import dataclass
from pathlib import Path

from framefleet.errors import FrameFleetError, InputError
from framefleet.progress import Listener, Notice, silent
from framefleet.results.files import beside, keep_apart, write_whole
from framefleet.results.report.head import head_of
from framefleet.results.report.html import page
from framefleet.results.report.link import video_url
from framefleet.results.report.thumbnails import thumbnails
from framefleet.results.source import find_video
from framefleet.schema.document import Document

ENDING = "_report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """What was written: the file, its size, and how many scenes have a picture."""

    path: Path
    size_bytes: int
    pictures: int


def report_path(document_path: Path) -> Path:
    return beside(document_path, ENDING)


def make_report(
    document: Document,
    document_path: Path,
    *,
    output: Path | None = None,
    video: Path | None = None,
    pictures: bool = True,
    listener: Listener = silent,
) -> Report:
    """Writes the page of `document` to `output`, or beside the document.

    `video` is the document's, already found; without it the page has no picture, and says so. `pictures` False leaves
    out the scenes' thumbnails. Raises `OutputError`; `UsageError` where the page would overwrite what it is made of.
    """
    path = output or report_path(document_path)
    keep_apart(path, filter(None, (document_path, video)))
    thumbs = _thumbnails(document, video, listener) if video is not None and pictures else {}
    url = video_url(path, video) if video is not None else None
    head, columns = head_of(document, url, thumbs, wanted=pictures)
    content = page(head, columns).encode()
    write_whole(path, content)
    return Report(path, len(content), len(thumbs))


def look_for_video(document: Document, document_path: Path, given: Path | None, listener: Listener) -> Path | None:
    """The document's video; None, and a notice, where it is gone. Raises `InputError` if `given` is not it."""
    try:
        return find_video(document, document_path, given)
    except InputError as error:
        if given is not None:
            raise
        listener(Notice(f"{error}; until then the report has no picture"))
        return None


def _thumbnails(document: Document, video: Path, listener: Listener) -> dict[int, str]:
    """None of them where the video has become unreadable: the rest of the page is worth having."""
    try:
        return thumbnails(video, document.scenes or (), listener, track=document.video.track)
    except FrameFleetError as error:
        listener(Notice(f"no thumbnails: {error}"))
        return {}
