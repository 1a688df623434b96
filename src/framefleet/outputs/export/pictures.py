"""The sampled frames as JPEG files, decoded again from the video, for datasets that include images."""

import os
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Literal

from framefleet.errors import InputError
from framefleet.media.types import Picture, Sample
from framefleet.outputs.export.base import Context
from framefleet.progress import (
    ItemDone,
    Listener,
    StageDone,
    StageStarted,
    silent,
)
from framefleet.schema.document import Document
from framefleet.timebase import exact

_HALF_MICROSECOND = Fraction(1, 2_000_000)  # by which the time in a document may be too early for its frame
QUALITY = 95  # a dataset is kept for long, and the loss of a second JPEG compression is permanent


def take_pictures(document: Document, video: Path, folder: Path, listener: Listener = silent) -> dict[int, Path]:
    """Write each answered frame as a JPEG file to `folder` and return the paths by index.

    Images are uncropped, upright, in the source's size, and of the same samples as the run. A frame that cannot be
    decoded is left out.
    """
    from framefleet.media.files.probe import probe
    from framefleet.media.video.decode import decode_orders
    from framefleet.media.video.request import FrameRequest, JpegView

    if document.config.fps <= 0:
        raise InputError("--pictures: the document has no sampling rate", hint="run the video again")
    answered = (detection for detection in document.detections or () if detection.objects is not None)
    wanted = [Sample(one.index, exact(one.time_s) + _HALF_MICROSECOND) for one in answered]
    order = FrameRequest(wanted, JpegView(None, QUALITY))
    sampling: Literal["exact", "keyframes"] = "keyframes" if document.config.sampling == "keyframes" else "exact"
    taken: dict[int, Path] = {}
    listener(StageStarted("pictures", "local", 0, len(wanted), "frames"))
    for number, (_, piece) in enumerate(
        decode_orders(probe(video, video_track=document.video.track), [order], sampling=sampling)
    ):
        if isinstance(piece, Picture):
            path = folder / f"{piece.at.index}.jpg"
            path.write_bytes(piece.jpeg)
            taken[piece.at.index] = path
        listener(ItemDone("pictures", number, 1, 0, 0.0))
    listener(StageDone("pictures"))
    return taken


def put_pictures(context: Context, places: Mapping[int, Path]) -> None:
    """Put the images, if there are any, in their places.

    The first format gets hard links to the files, if the disk supports that, and others get copies, so that changing an
    image in one dataset does not change another.
    """
    for index, path in places.items():
        source = (context.pictures or {}).get(index)
        if source is None:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if source.stat().st_nlink > 1 or not _linked(source, path):
            shutil.copyfile(source, path)


def _linked(source: Path, path: Path) -> bool:
    try:
        os.link(source, path)
    except OSError:  # no hard links on this disk, or too many to one file
        return False
    return True
