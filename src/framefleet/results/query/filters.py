"""Filters on a document's objects, for `--labels` and `--conf`. Pure."""

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from framefleet.results.assemble.fusion import fuse
from framefleet.results.query.availability import STAGES
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.scene import Scene


def labels_of(text: str | None) -> frozenset[str] | None:
    """Return the labels in a list such as `person, bus`; None, for all labels, if there is no list."""
    if text is None:
        return None
    return frozenset(label for label in (part.strip() for part in text.split(",")) if label)


def choose(document: Document, labels: frozenset[str] | None, conf: float) -> Document:
    """Return `document` with only the objects of `labels` (None: any) and with a confidence of at least `conf`.

    A track of such a label keeps the boxes of these objects, and its `object` numbers refer to the remaining objects.
    Object counts of scenes are computed again. All frames stay, as do speech, sounds and text.
    """
    if document.detections is None or (labels is None and conf <= 0):
        return document

    def chosen(found: DetectedObject) -> bool:
        return found.confidence >= conf and (labels is None or found.label in labels)

    detections: list[Detection] = []
    places: dict[tuple[int, int], int] = {}
    for detection in document.detections:
        kept = [(place, found) for place, found in enumerate(detection.objects or ()) if chosen(found)]
        places.update({(detection.index, old): new for new, (old, _) in enumerate(kept)})
        objects = None if detection.objects is None else [found for _, found in kept]
        detections.append(replace(detection, objects=objects))
    tracks = None if document.tracks is None else _tracks(document.tracks, labels, places)
    return replace(document, detections=detections, tracks=tracks, scenes=_scenes(document, detections))


def _tracks(result: TracksResult, labels: frozenset[str] | None, places: Mapping[tuple[int, int], int]) -> TracksResult:
    wanted = (track for track in result.tracks if labels is None or track.label in labels)
    left = ((track, list(_boxes(track, places))) for track in wanted)
    return replace(
        result,
        tracks=[
            replace(track, boxes=boxes, start_s=boxes[0].time_s, end_s=boxes[-1].time_s)
            for track, boxes in left
            if boxes
        ],
    )


def _boxes(track: Track, places: Mapping[tuple[int, int], int]) -> Iterator[TrackBox]:
    for box in track.boxes:
        place = places.get((box.index, box.object))
        if place is not None:
            yield replace(box, object=place)


def _scenes(document: Document, detections: list[Detection]) -> list[SceneEntry] | None:
    if document.scenes is None:
        return None
    scenes = [Scene(entry.index, entry.start_s, entry.end_s, entry.thumbnail_s) for entry in document.scenes]
    counted = fuse(scenes, {STAGES["detections"]: detections}, sampling=document.config.sampling)
    return [replace(entry, objects=new.objects) for entry, new in zip(document.scenes, counted, strict=True)]
