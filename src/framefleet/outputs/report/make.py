"""Writing of the HTML report, with the scenes' thumbnails."""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from framefleet.errors import FrameFleetError, InputError
from framefleet.media.files.probe import probe
from framefleet.media.types import Picture, Sample
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest, JpegView
from framefleet.outputs.report.head import head_of
from framefleet.outputs.report.html import page
from framefleet.progress import (
    ItemDone,
    Listener,
    Notice,
    StageDone,
    StageStarted,
    silent,
)
from framefleet.results.files import beside, keep_apart
from framefleet.results.video_source import find_video
from framefleet.schema.document import Document
from framefleet.schema.scenes import SceneEntry
from framefleet.storage.atomic import write_whole
from framefleet.timebase import exact

MOST = 120
"""Maximum number of thumbnails; of more scenes they are picked evenly, as a screen shows a dozen at once."""
MOST_BYTES = 1_500_000
"""Maximum size of all thumbnails together; every second one is dropped until they fit."""
VIEW = JpegView(max_side=240, quality=72)
_NAME = "thumbnails"


def thumbnails(
    video: Path, scenes: Sequence[SceneEntry], listener: Listener = silent, *, track: int | None = None
) -> dict[int, str]:
    """Return thumbnails by scene index: base64 JPEGs of the frame at `thumbnail_s`, with a longer side of 240 pixels.

    `track` is the video track (None: the one that players choose). A scene whose frame cannot be decoded has none.
    Raises `InputError` if the video cannot be opened.
    """
    picked = [scenes[i * len(scenes) // min(MOST, len(scenes))] for i in range(min(MOST, len(scenes)))]
    media = probe(video, video_track=track)
    if not picked or not media.has_video:
        return {}
    listener(StageStarted(_NAME, "local", total=0, units=len(picked), unit="frames"))
    made = {}
    samples = [Sample(scene.index, exact(scene.thumbnail_s)) for scene in picked]
    for number, (_, piece) in enumerate(decode_orders(media, [FrameRequest(samples, VIEW)])):
        listener(ItemDone(_NAME, number, units=1, found=0, seconds=0))
        if isinstance(piece, Picture):
            made[piece.at.index] = piece.jpeg
    listener(StageDone(_NAME))
    return {index: base64.b64encode(jpeg).decode() for index, jpeg in _fitting(made).items()}


def _fitting(jpegs: dict[int, bytes]) -> dict[int, bytes]:
    while sum(map(len, jpegs.values())) > MOST_BYTES:
        jpegs = dict(list(jpegs.items())[::2])
    return jpegs


def video_url(report: Path, video: Path) -> str:
    """Return the video's URL relative to the report, `../my%20clip.mp4`, or `file:///D:/…` if on another drive."""
    try:
        way = os.path.relpath(video.absolute(), report.absolute().parent)
    except ValueError:
        return video.absolute().as_uri()
    return quote(os.fsencode(Path(way).as_posix()))


ENDING = "_report.html"


@dataclass(frozen=True, slots=True)
class Report:
    """The written file, its size, and the number of thumbnails."""

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
    """Write the report of `document` to `output`, or next to the document.

    `video` is the document's video; without it the report has no player, and says so. `pictures` False leaves out the
    scenes' thumbnails. Raises `OutputError`, and `UsageError` if the report would overwrite one of its sources.
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
    """Return the document's video, or None with a notice if it is missing. Raises `InputError` if `given` is not it."""
    try:
        return find_video(document, document_path, given)
    except InputError as error:
        if given is not None:
            raise
        listener(Notice(f"{error}; until then the report has no video"))
        return None


def _thumbnails(document: Document, video: Path, listener: Listener) -> dict[int, str]:
    """Return the thumbnails; none, with a notice, if the video cannot be read, as the report works without them."""
    try:
        return thumbnails(video, document.scenes or (), listener, track=document.video.track)
    except FrameFleetError as error:
        listener(Notice(f"no thumbnails: {error}"))
        return {}
