"""A dataset folder for Ultralytics: images, a text file for each, and `data.yaml`."""

from pathlib import Path

from framefleet.errors import InputError
from framefleet.models import coco_labels
from framefleet.outputs.export.base import Context, Format, library
from framefleet.outputs.export.boxes import (
    Boxed,
    class_names,
    looked_at,
    picture_name,
)
from framefleet.outputs.export.pictures import put_pictures
from framefleet.schema.document import Document

_MOST_CLASSES = 10_000  # no detector has more; data.yaml names each number up to the largest


def write(document: Document, context: Context, folder: Path) -> None:
    """Write the dataset. Ultralytics finds an image's labels by replacing the last `images` of its path by `labels`."""
    (folder / "labels").mkdir()
    (folder / "images").mkdir()
    width, height = document.video.width, document.video.height
    places = {}
    for detection, boxed in looked_at(document):
        name = picture_name(context.stem, detection.index)
        lines = [_line(thing, width, height, context.scores) for thing in boxed]
        (folder / "labels" / Path(name).with_suffix(".txt")).write_text("".join(lines), "utf-8")
        places[detection.index] = folder / "images" / name
    content = {"train": "images", "val": "images", "names": names(class_names(document))}
    text = library("yaml").safe_dump(content, allow_unicode=True, sort_keys=False)
    (folder / "data.yaml").write_text(text, "utf-8")
    put_pictures(context, places)


def names(seen: dict[int, str]) -> dict[int, str]:
    """Return a name for every class number from 0 on, as Ultralytics requires, keeping the model's numbers.

    So datasets of several videos can be merged. Classes that were not detected have COCO's names if all detected ones
    do. Raises `InputError` if the numbers are not valid classes.
    """
    if any(not 0 <= number < _MOST_CLASSES for number in seen):
        raise InputError(f"yolo: class numbers from {min(seen)} to {max(seen)} are out of range", hint="try --to coco")
    known = dict(enumerate(coco_labels()))
    if seen.items() <= known.items():
        return known
    return {number: seen.get(number, f"class_{number}") for number in range(max(seen) + 1)}


def _line(thing: Boxed, width: int, height: int, scores: bool) -> str:
    """Return class, centre and size relative to the frame; with `scores` the confidence, as with `save_conf`."""
    x1, y1, x2, y2 = thing.box
    parts = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
    score = f" {thing.confidence:.6g}" if scores else ""
    return f"{thing.class_id} {' '.join(f'{part:.6f}' for part in parts)}{score}\n"


YOLO = Format(
    name="yolo",
    ending="_yolo",
    about="a dataset folder for Ultralytics",
    needs=("detections",),
    write=write,
    folder=True,
    pictures=True,
)
