"""A MOTChallenge sequence: tracks as `gt/gt.txt`, detections as `det/det.txt`.

Frames are the sampled ones, counted from 1, and so are pixels (motchallenge.net/instructions).
"""

import configparser
import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from framefleet.outputs.export.base import Context, Format
from framefleet.outputs.export.boxes import Boxed, class_names, looked_at
from framefleet.outputs.export.pictures import put_pictures
from framefleet.outputs.export.text import clean
from framefleet.schema.document import Document


def write(document: Document, context: Context, folder: Path) -> None:
    found = [(detection.index + 1, boxed) for detection, boxed in looked_at(document)]
    classes = {number: place for place, number in enumerate(class_names(document), 1)}
    _rows(
        folder / "det" / "det.txt",
        ((frame, -1, *_from_1(o), o.confidence, -1, -1, -1) for frame, boxed in found for o in boxed),
    )
    if document.tracks is not None:
        _rows(
            folder / "gt" / "gt.txt",
            (
                (f, o.track, *_from_1(o), 1, classes[o.class_id], 1)
                for f, boxed in found
                for o in boxed
                if o.track is not None
            ),
        )
        (folder / "gt" / "labels.txt").write_text("".join(f"{n}\n" for n in class_names(document).values()), "utf-8")
    _seqinfo(document, context, folder / "seqinfo.ini")
    put_pictures(context, {frame - 1: folder / "img1" / f"{frame:06d}.jpg" for frame, _ in found})


def _from_1(thing: Boxed) -> tuple[float, float, float, float]:
    left, top, width, height = thing.xywh
    return round(left + 1, 2), round(top + 1, 2), width, height


def _rows(path: Path, rows: Iterable[tuple[Any, ...]]) -> None:
    path.parent.mkdir()
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _seqinfo(document: Document, context: Context, path: Path) -> None:
    info = configparser.ConfigParser(interpolation=None)
    info.optionxform = str  # type: ignore[assignment,method-assign]  # readers expect imDir, not imdir
    info["Sequence"] = {
        "name": clean(context.stem),
        "imDir": "img1",
        "frameRate": f"{document.config.fps:g}",
        "seqLength": str(len(document.detections or ())),
        "imWidth": str(document.video.width),
        "imHeight": str(document.video.height),
        "imExt": ".jpg",
    }
    with path.open("w", encoding="utf-8") as file:
        info.write(file, space_around_delimiters=False)


MOT = Format(
    name="mot",
    ending="_mot",
    about="tracks and detections as a MOTChallenge sequence",
    needs=("detections",),
    write=write,
    folder=True,
    pictures=True,
)
