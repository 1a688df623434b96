"""Documents for the page's tests, each as much as a test is about."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from framefleet.media.files.probe import probe
from framefleet.models import file_sha256
from framefleet.results.assemble.fusion import fuse
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.scene import scenes_between
from framefleet.timebase import Span
from tests.media.make import Picture, make_video
from tests.results.make import make_document

Box = tuple[float, float, float, float]
SIZE = (320, 180)


def bare(**parts: Any) -> Document:
    """Four seconds of 320 × 180 in which nothing was looked for but `parts`."""
    made = make_document()
    video = msgspec.structs.replace(made.video, duration_s=4.0, width=SIZE[0], height=SIZE[1], audio=None)
    config = msgspec.structs.replace(made.config, fps=1.0, crop=None)
    nothing: dict[str, Any] = dict.fromkeys(("detections", "transcription", "scenes", "tracks", "sounds", "text"))
    return msgspec.structs.replace(made, **(nothing | {"video": video, "config": config, "failures": []} | parts))


def seen(*pictures: Sequence[tuple[str, float, Box]] | None) -> list[Detection]:
    """One a second: (label, confidence, box) of each object, best first; None: not answered."""
    labels: dict[str, int] = {}
    return [
        Detection(
            index,
            float(index),
            float(index),
            None
            if found is None
            else [DetectedObject(labels.setdefault(name, len(labels)), name, sure, box) for name, sure, box in found],
        )
        for index, found in enumerate(pictures)
    ]


def tracked(detections: Sequence[Detection], *ways: Sequence[tuple[int, int]]) -> TracksResult:
    """A track for each of `ways`: (picture, place in its objects) of each box."""
    tracks = []
    for number, way in enumerate(ways, 1):
        things = [(index, place, (detections[index].objects or [])[place]) for index, place in way]
        boxes = [TrackBox(i, place, float(i), thing.box, thing.confidence) for i, place, thing in things]
        label, class_id = things[0][2].label, things[0][2].class_id
        tracks.append(Track(number, label, class_id, boxes[0].time_s, boxes[-1].time_s, True, boxes))
    return TracksResult(tracks)


def said(*segments: tuple[float, str]) -> Transcription:
    """Each begins at a time; its words take 0.2 s each."""
    made = []
    for start, text in segments:
        words = [Word(start + 0.2 * i, start + 0.2 * (i + 1), f" {w}", 0.9) for i, w in enumerate(text.split(" "))]
        made.append(Segment(start, words[-1].end_s, text, -0.1, 0.0, words))
    return Transcription("en", " ".join(text for _, text in segments), made)


def with_scenes(document: Document, *cuts: float) -> Document:
    scenes = scenes_between(cuts, [Span(0.0, document.video.duration_s)])
    found = fuse(
        scenes,
        {
            "objects": document.detections,
            "speech": document.transcription,
            "sounds": document.sounds,
            "text": document.text,
        },
    )
    return msgspec.structs.replace(document, scenes=found)


def square(box: Box) -> Picture:
    """A white box on black."""
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    left, top, right, bottom = map(int, box)
    picture[top:bottom, left:right] = 255
    return picture


def of_video(document: Document, path: Path) -> Document:
    """`document` as if it were about the video at `path`."""
    media = probe(path)
    video = msgspec.structs.replace(
        document.video, path=path.name, sha256=file_sha256(path), start_s=media.start_s, duration_s=media.duration_s,
        width=media.width, height=media.height, codec=media.codec, audio=media.audio,
    )  # fmt: skip
    return msgspec.structs.replace(document, video=video)


def squares(path: Path, boxes: Sequence[Box], **options: Any) -> Path:
    """A video that shows each box for a second."""
    fps = Fraction(10)
    pictures = [square(box) for box in boxes for _ in range(10)]
    return make_video(path, frames=len(pictures), fps=fps, size=SIZE, pictures=pictures, **options)
