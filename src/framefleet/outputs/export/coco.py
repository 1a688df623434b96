"""COCO's JSON of objects in images, as pycocotools reads it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from framefleet import __version__
from framefleet.outputs.export.base import Context, Format
from framefleet.outputs.export.boxes import (
    Boxed,
    class_names,
    looked_at,
    picture_name,
)
from framefleet.outputs.export.pictures import put_pictures
from framefleet.outputs.export.text import clean
from framefleet.schema.document import Document
from framefleet.schema.objects import Detection


def write(document: Document, context: Context, folder: Path) -> None:
    """Write `annotations.json` and `images/`. Image ids are the video's id plus the index; class ids the model's."""
    video_id = id_of(document.video.sha256)
    found = list(looked_at(document))
    content = {
        "info": {
            "description": clean(f"FrameFleet {__version__}, {document.config.yolo_model}: {document.video.path}"),
            "date_created": document.provenance.finished_at,
        },
        "licenses": [],
        "videos": [{"id": video_id, "name": clean(context.stem)}],
        "images": [
            {
                "id": video_id + detection.index,
                "video_id": video_id,
                "file_name": picture_name(context.stem, detection.index),
                "width": document.video.width,
                "height": document.video.height,
                "time_s": detection.time_s,
                "pts_s": detection.pts_s,
            }
            for detection, _ in found
        ],
        "categories": [{"id": number, "name": name} for number, name in class_names(document).items()],
        "annotations": list(_annotations(found, video_id)),
    }
    (folder / "annotations.json").write_bytes(msgspec.json.encode(content))
    put_pictures(
        context,
        {i: folder / "images" / picture_name(context.stem, i) for i in (detection.index for detection, _ in found)},
    )


def id_of(sha256: str) -> int:
    """Return the first id for a video's images and boxes, such that ids of several videos do not collide.

    At least 1, since COCO's own evaluation takes 0 for "no match", and 2^32 further ids are still exact as floats,
    which it and JavaScript use. Among 1,000 videos with 300,000 boxes each, the odds of any collision are 1 in 30,000.
    """
    number = int.from_bytes(hashlib.sha256(sha256.encode()).digest()[:8], "big")
    return 1 + number % (2**53 - 2**32)


def _annotations(found: list[tuple[Detection, list[Boxed]]], video_id: int) -> Iterator[dict[str, Any]]:
    every = ((detection.index, thing) for detection, boxed in found for thing in boxed)
    for number, (index, thing) in enumerate(every, video_id):
        _, _, width, height = thing.xywh
        yield {
            "id": number,
            "image_id": video_id + index,
            "category_id": thing.class_id,
            "bbox": thing.xywh,
            "area": round(width * height, 2),
            "segmentation": [],  # without it pycocotools neither draws boxes nor accepts them as results
            "iscrowd": 0,
            "score": thing.confidence,
            "track_id": thing.track,
        }


COCO = Format(
    name="coco",
    ending="_coco",
    about="objects in images, for pycocotools and most trainers",
    needs=("detections",),
    write=write,
    folder=True,
    pictures=True,
)
