"""COCO's JSON of objects in pictures, as pycocotools reads it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from framefleet import __version__
from framefleet.results.document import Document
from framefleet.results.export.base import Context, Format
from framefleet.results.export.boxes import Boxed, class_names, looked_at, picture_name
from framefleet.results.export.pictures import put_pictures
from framefleet.results.export.text import clean


def write(document: Document, context: Context, folder: Path) -> None:
    """`annotations.json`, and `images/`. A picture's id is its index; classes keep the model's numbers."""
    found = [(detection.index, boxed) for detection, boxed in looked_at(document)]
    content = {
        "info": {
            "description": clean(f"FrameFleet {__version__}, {document.config.yolo_model}: {document.video.path}"),
            "date_created": document.provenance.finished_at,
        },
        "licenses": [],
        "images": [
            {
                "id": detection.index,
                "file_name": picture_name(context.stem, detection.index),
                "width": document.video.width,
                "height": document.video.height,
                "time_s": detection.time_s,
                "pts_s": detection.pts_s,
            }
            for detection, _ in looked_at(document)
        ],
        "categories": [{"id": number, "name": name} for number, name in class_names(document).items()],
        "annotations": list(_annotations(found)),
    }
    (folder / "annotations.json").write_bytes(msgspec.json.encode(content))
    put_pictures(context, {i: folder / "images" / picture_name(context.stem, i) for i, _ in found})


def _annotations(found: list[tuple[int, list[Boxed]]]) -> Iterator[dict[str, Any]]:
    """Numbered from 1: COCO's own evaluation takes 0 for "no match"."""
    every = ((index, thing) for index, boxed in found for thing in boxed)
    for number, (index, thing) in enumerate(every, 1):
        _, _, width, height = thing.xywh
        yield {
            "id": number,
            "image_id": index,
            "category_id": thing.class_id,
            "bbox": thing.xywh,
            "area": round(width * height, 2),
            "iscrowd": 0,
            "score": thing.confidence,
            "track_id": thing.track,
        }


COCO = Format(
    name="coco",
    ending="_coco",
    about="objects in pictures, for pycocotools and most trainers",
    needs=("detections",),
    write=write,
    folder=True,
    pictures=True,
)
