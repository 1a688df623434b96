"""A video with all results for FiftyOne, as a `FiftyOneVideoLabelsDataset` (docs.voxel51.com).

Objects are detections of frames, with their tracks' ids as `index`; speech, sounds, texts and scenes are temporal
detections. FiftyOne counts frames from 1.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from framefleet import __version__
from framefleet.outputs.export.base import Context, Format
from framefleet.outputs.export.boxes import Boxed, looked_at
from framefleet.outputs.export.clock import video_path
from framefleet.outputs.export.frames import FrameNumbers, frame_numbers
from framefleet.outputs.export.otio import marks
from framefleet.outputs.export.text import clean
from framefleet.schema.document import Document


class _Boxes(msgspec.Struct):
    objects: list[dict[str, Any]]


class _FrameLabels(msgspec.Struct):
    frame_number: int
    objects: _Boxes


def write(document: Document, context: Context, folder: Path) -> None:
    """Write `manifest.json`, which refers to the video at its path, without a copy, and to the file with its labels."""
    numbers = frame_numbers(document, context.video)
    labels = Path("labels") / f"{context.stem}.json"
    manifest = {
        "type": "eta.core.datasets.LabeledVideoDataset",
        "description": f"FrameFleet {__version__}",
        "index": [{"data": video_path(document, context.video), "labels": labels.as_posix()}],
    }
    content = {"frames": _frames(document, numbers), "events": {"events": list(_events(document, numbers))}}
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    (folder / "labels").mkdir()
    (folder / labels).write_bytes(msgspec.json.encode(content))


def _frames(document: Document, numbers: FrameNumbers) -> dict[str, _FrameLabels]:
    """Return objects by frame. Two samples may share a frame if the sampling rate is above the frame rate."""
    objects: dict[int, dict[Boxed, dict[str, Any]]] = defaultdict(dict)
    for detection, boxed in looked_at(document):
        frame = numbers.at(detection.shown_s) + 1
        objects[frame] |= {thing: _object(thing, frame, document) for thing in boxed}
    return {str(frame): _FrameLabels(frame, _Boxes(list(found.values()))) for frame, found in objects.items()}


def _object(thing: Boxed, frame: int, document: Document) -> dict[str, Any]:
    across, down = 1 / document.video.width, 1 / document.video.height
    x1, y1, x2, y2 = thing.box
    found = {
        "type": "eta.core.objects.DetectedObject",
        "label": thing.label,
        "bounding_box": {
            "top_left": {"x": x1 * across, "y": y1 * down},
            "bottom_right": {"x": x2 * across, "y": y2 * down},
        },
        "confidence": thing.confidence,
        "name": "detections",
        "frame_number": frame,
    }
    return found if thing.track is None else found | {"index": thing.track}


def _events(document: Document, numbers: FrameNumbers) -> Iterator[dict[str, Any]]:
    for stage, mark, shown in marks(document):
        ends = numbers.at if shown.at_end else numbers.before
        first, last = numbers.at(mark.start_s) + 1, ends(mark.end_s) + 1
        event = {
            "type": "eta.core.events.VideoEvent",
            "name": stage,
            "label": clean(mark.name),
            "support": {"ranges": f"{first}-{max(first, last)}"},
        }
        confidence = mark.more.get("score", mark.more.get("confidence"))
        yield event if confidence is None else event | {"confidence": confidence}


FIFTYONE = Format(
    name="fiftyone",
    ending="_fiftyone",
    about="the video with everything in it, for FiftyOne",
    needs=("detections",),
    write=write,
    folder=True,
    video="frames are numbered by time × {fps:g} fps",
)
