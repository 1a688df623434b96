"""Pre-annotations for Label Studio: the video with its tracks, and the sampled frames with their boxes.

Label Studio defines labels in a project's configuration, so each kind of task comes with one (labelstud.io, "Import
pre-annotated data"). Boxes are in percent. It counts frames as seconds of a player's clock times a rate from the
configuration, regardless of the video's actual frames, and so does this export.

It serves files below a folder that is a storage of the project, which must itself be below the root of all served
files (its `io_storages/localfiles`: `validate_connection`, `localfiles_data`). So the folder written here is a complete
storage: it contains all files that its tasks refer to.
"""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import msgspec

from framefleet.outputs.export.base import Context, Format
from framefleet.outputs.export.boxes import (
    Boxed,
    Course,
    Sighting,
    courses,
    looked_at,
    picture_name,
)
from framefleet.outputs.export.clock import PlayerClock, clock
from framefleet.outputs.export.frames import FrameNumbers, frame_at
from framefleet.outputs.export.pictures import put_pictures
from framefleet.schema.document import Document

_ROUNDING = 1e-6  # seconds
_LOCAL = "/data/local-files/?d="  # files on Label Studio's own disk, below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT


def write(document: Document, context: Context, folder: Path) -> None:
    things, looked = courses(document), list(looked_at(document))
    found = {course.label for course in things} | {b.label for _, boxed in looked for b in boxed}
    labels = sorted(found) or ["object"]  # a configuration without labels is rejected
    shown = clock(document, context.video)
    rate = f"{shown.rate:g}"  # as Label Studio parses it
    numbers = FrameNumbers(float(rate), max(1, frame_at(shown.length_s - _ROUNDING, float(rate))))
    _json(folder / "video_tasks.json", [_video_task(document, context, things, shown, numbers)])
    video = Xml.Element("View")
    Xml.SubElement(video, "Labels", name="labels", toName="video").extend(_labels(labels))
    Xml.SubElement(video, "Video", name="video", value="$video", frameRate=rate)
    Xml.SubElement(video, "VideoRectangle", name="box", toName="video")
    _xml(folder / "video_config.xml", video)

    pictures = Xml.Element("View")
    Xml.SubElement(pictures, "Image", name="image", value="$image")
    Xml.SubElement(pictures, "RectangleLabels", name="box", toName="image").extend(_labels(labels))
    _xml(folder / "picture_config.xml", pictures)
    seen = [(detection.index, boxed) for detection, boxed in looked]
    _json(folder / "picture_tasks.json", [_picture_task(document, context, index, boxed) for index, boxed in seen])
    put_pictures(context, {i: folder / "images" / picture_name(context.stem, i) for i, _ in seen})
    if context.video is not None and context.pictures is not None:
        _put(context.video, folder / _video_name(document, context))


def _put(video: Path, path: Path) -> None:
    """Link the video if the disk allows it, else copy it: videos are large."""
    for link in (os.link, os.symlink, shutil.copyfile):
        try:
            link(video.resolve(), path)
        except OSError:
            continue
        return


def _video_name(document: Document, context: Context) -> str:
    video = PurePath(document.video.path.replace("\\", "/")) if context.video is None else context.video
    return f"{context.stem}{video.suffix}"


def _video_task(
    document: Document, context: Context, things: Iterable[Course], shown: PlayerClock, numbers: FrameNumbers
) -> dict[str, Any]:
    results = [
        {
            "id": f"thing{place}" if course.id is None else f"track{course.id}",
            "from_name": "box",
            "to_name": "video",
            "type": "videorectangle",
            "origin": "prediction",
            "score": max(seen.found.confidence for seen in course.seen),
            "value": {
                "framesCount": numbers.count,
                "duration": round(shown.length_s, 6),
                "sequence": [_moment(seen, document, shown, numbers) for seen in course.seen],
                "labels": [course.label],
            },
        }
        for place, course in enumerate(things)
    ]
    place = quote(f"{context.name}/{_video_name(document, context)}")
    return {"data": {"video": _LOCAL + place}, "predictions": [_prediction(document, results)]}


def _moment(seen: Sighting, document: Document, shown: PlayerClock, numbers: FrameNumbers) -> dict[str, Any]:
    """Return a key frame. `enabled`: Label Studio shows the box until the next one. Frames count from 1."""
    frame = numbers.at(seen.time_s - shown.zero_s)
    at = {"frame": frame + 1, "time": round(frame / numbers.fps, 6), "enabled": seen.goes_on}
    return at | _percent(seen.found, document)


def _picture_task(document: Document, context: Context, index: int, boxed: Iterable[Boxed]) -> dict[str, Any]:
    results = [
        {
            "id": f"thing{place}",
            "from_name": "box",
            "to_name": "image",
            "type": "rectanglelabels",
            "score": thing.confidence,
            "original_width": document.video.width,
            "original_height": document.video.height,
            "image_rotation": 0,
            "value": _percent(thing, document) | {"rectanglelabels": [thing.label]},
        }
        for place, thing in enumerate(boxed)
    ]
    image = quote(f"{context.name}/images/{picture_name(context.stem, index)}")
    return {"data": {"image": _LOCAL + image, "index": index}, "predictions": [_prediction(document, results)]}


def _prediction(document: Document, results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"model_version": document.config.yolo_model or "framefleet", "result": results}


def _percent(thing: Boxed, document: Document) -> dict[str, float]:
    left, top, width, height = thing.xywh
    across, down = 100 / document.video.width, 100 / document.video.height
    parts = {"x": left * across, "y": top * down, "width": width * across, "height": height * down}
    return {name: round(part, 4) for name, part in parts.items()} | {"rotation": 0}


def _labels(labels: Iterable[str]) -> list[Xml.Element]:
    return [Xml.Element("Label", value=label) for label in labels]


def _xml(path: Path, root: Xml.Element) -> None:
    Xml.indent(root)
    Xml.ElementTree(root).write(path, "utf-8")


def _json(path: Path, tasks: list[dict[str, Any]]) -> None:
    path.write_bytes(msgspec.json.encode(tasks))


LABELSTUDIO = Format(
    name="labelstudio",
    ending="_labelstudio",
    about="tracks and boxes to correct in Label Studio",
    needs=("detections",),
    write=write,
    folder=True,
    pictures=True,
    video="Label Studio counts at a rate near its average",
)
