"""Boxes for export formats: clipped to the frame, with names for classes and images. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from framefleet.outputs.export.text import clean
from framefleet.schema.document import Document
from framefleet.schema.objects import Box, Detection
from framefleet.timebase import Seconds


@dataclass(frozen=True, slots=True)
class Boxed:
    """An object whose `box`, x1, y1, x2, y2, lies within the frame. `track` is its track's id, if it has one."""

    label: str
    class_id: int
    confidence: float
    box: Box
    track: int | None

    @property
    def xywh(self) -> Box:
        """Left, top, width, height in pixels."""
        x1, y1, x2, y2 = self.box
        return x1, y1, round(x2 - x1, 2), round(y2 - y1, 2)


@dataclass(frozen=True, slots=True)
class Sighting:
    """An object in one sampled frame. `goes_on` is False if the next sampled frame no longer shows it."""

    index: int
    time_s: Seconds
    found: Boxed
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Course:
    """An object over time: a track, with its id, or a single object without one."""

    id: int | None
    label: str
    seen: list[Sighting]


def clipped(box: Box, width: int, height: int) -> Box | None:
    """Clip `box` to the frame; None if less than a hundredth of a pixel remains."""
    x1, x2 = sorted(min(max(x, 0.0), float(width)) for x in (box[0], box[2]))
    y1, y2 = sorted(min(max(y, 0.0), float(height)) for y in (box[1], box[3]))
    x1, y1, x2, y2 = (round(edge, 2) for edge in (x1, y1, x2, y2))
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def looked_at(document: Document) -> Iterator[tuple[Detection, list[Boxed]]]:
    """Yield every answered frame with its objects. Frames without an answer may show anything, so they are left out."""
    ids = document.tracks.ids() if document.tracks is not None else {}
    width, height = document.video.width, document.video.height
    for detection in document.detections or ():
        if detection.objects is None:
            continue
        boxed = []
        for place, found in enumerate(detection.objects):
            box = clipped(found.box, width, height)
            if box is not None:
                track = ids.get((detection.index, place))
                boxed.append(Boxed(clean(found.label), found.class_id, found.confidence, box, track))
        yield detection, boxed


def class_names(document: Document) -> dict[int, str]:
    """Return the label of each detected class by the model's number; of several labels the commonest."""
    seen = Counter((found.class_id, clean(found.label)) for d in document.detections or () for found in d.objects or ())
    names: dict[int, str] = {}
    for (number, label), _ in sorted(seen.items(), key=lambda entry: (-entry[1], entry[0])):
        names.setdefault(number, label)
    return dict(sorted(names.items()))


def picture_name(stem: str, index: int) -> str:
    """Return the file name of the sampled frame `index`, whether it is written or not."""
    return f"{stem}_{index:06d}.jpg"


def courses(document: Document) -> list[Course]:
    """Return all tracks by id, then the objects without a track, ordered by time."""
    labels = {track.id: clean(track.label) for track in (document.tracks.tracks if document.tracks else ())}
    alone: list[Course] = []
    parts: dict[int, list[tuple[int, Detection, Boxed]]] = {number: [] for number in labels}
    for order, (detection, boxed) in enumerate(looked_at(document)):
        for found in boxed:
            if found.track is None:
                alone.append(Course(None, found.label, [Sighting(detection.index, detection.shown_s, found, False)]))
            else:
                parts[found.track].append((order, detection, found))
    tracked = [Course(number, labels[number], _sightings(part)) for number, part in parts.items() if part]
    return tracked + alone


def _sightings(parts: list[tuple[int, Detection, Boxed]]) -> list[Sighting]:
    following = [order for order, _, _ in parts[1:]] + [-1]
    return [
        Sighting(detection.index, detection.shown_s, found, goes_on=after == order + 1)
        for (order, detection, found), after in zip(parts, following, strict=True)
    ]
