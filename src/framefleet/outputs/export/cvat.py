"""Tracks and single objects in CVAT's XML, "CVAT for video 1.1" (docs.cvat.ai, XML annotation format)."""

from pathlib import Path
from xml.etree import ElementTree as Xml

from framefleet.outputs.export.base import Context, Format
from framefleet.outputs.export.boxes import (
    Course,
    Sighting,
    class_names,
    courses,
)
from framefleet.outputs.export.frames import FrameNumbers, frame_numbers
from framefleet.outputs.export.text import clean
from framefleet.schema.document import Document


def write(document: Document, context: Context, path: Path) -> None:
    numbers = frame_numbers(document, context.video)
    root = Xml.Element("annotations")
    _text(root, "version", "1.1")
    things = courses(document)
    _meta(root, document, context, numbers, {*class_names(document).values(), *(course.label for course in things)})
    for place, course in enumerate(things):
        track = Xml.SubElement(root, "track", id=str(place), label=course.label, source="auto")
        _boxes(track, course, numbers)
    Xml.indent(root)
    Xml.ElementTree(root).write(path, "utf-8", xml_declaration=True)


def _meta(root: Xml.Element, document: Document, context: Context, numbers: FrameNumbers, names: set[str]) -> None:
    meta = Xml.SubElement(root, "meta")
    task = Xml.SubElement(meta, "task")
    _text(task, "name", clean(context.stem))
    _text(task, "size", str(numbers.count))
    _text(task, "mode", "interpolation")
    _text(task, "start_frame", "0")
    _text(task, "stop_frame", str(max(numbers.count - 1, 0)))
    labels = Xml.SubElement(task, "labels")
    for name in sorted(names):
        label = Xml.SubElement(labels, "label")
        _text(label, "name", name)
        Xml.SubElement(label, "attributes")
    size = Xml.SubElement(task, "original_size")
    _text(size, "width", str(document.video.width))
    _text(size, "height", str(document.video.height))
    _text(meta, "dumped", document.provenance.finished_at)


def _boxes(track: Xml.Element, course: Course, numbers: FrameNumbers) -> None:
    """Write a key frame for each sighting. CVAT interpolates between them; an `outside` key frame ends that."""
    by_frame = {numbers.at(seen.time_s): seen for seen in course.seen}
    for frame, seen in by_frame.items():
        _box(track, frame, seen, outside=False)
        if not seen.goes_on and frame + 1 < numbers.count and frame + 1 not in by_frame:
            _box(track, frame + 1, seen, outside=True)


def _box(track: Xml.Element, frame: int, seen: Sighting, *, outside: bool) -> None:
    edges = zip(("xtl", "ytl", "xbr", "ybr"), seen.found.box, strict=True)
    Xml.SubElement(
        track,
        "box",
        {"frame": str(frame), "keyframe": "1", "outside": str(int(outside)), "occluded": "0", "z_order": "0"}
        | {name: f"{edge:.2f}" for name, edge in edges},
    )


def _text(parent: Xml.Element, name: str, text: str) -> None:
    Xml.SubElement(parent, name).text = text


CVAT = Format(
    name="cvat",
    ending="_cvat.xml",
    about="tracks to correct in CVAT (CVAT for video 1.1)",
    needs=("detections",),
    write=write,
    video="frames are numbered by time × {fps:g} fps",
)
