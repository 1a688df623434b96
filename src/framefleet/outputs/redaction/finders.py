"""The embedded models as finders of faces and objects, for several frames at a time."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framefleet.errors import UsageError
from framefleet.outputs.redaction.options import FACE, RedactOptions
from framefleet.outputs.redaction.sightings import Found
from framefleet.stages.faces.centerface import CenterFace, input_size, open_centerface
from framefleet.stages.objects.worker.engines import open_engine
from framefleet.stages.objects.worker.engines.base import DetectionSettings, Detector

Pixels = NDArray[np.uint8]

_IMGSZ = 416  # the size that the embedded detector was trained at
_CONF = 0.15
_LONG_SIDE = 1280  # pixels of a frame that is kept for the detector


class Finder(Protocol):
    """A detector of something in upright frames of one size."""

    def prepare(self, frame: VideoFrame) -> Pixels:
        """Return the form in which a frame waits for detection: (h, w, 3), RGB."""

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        """Return the detections of each frame, in source pixels."""


class FaceFinder:
    """CenterFace as a finder of faces."""

    def __init__(self, model: CenterFace, width: int, height: int, long_side: int) -> None:
        self._model, self._size = model, (width, height)
        self._inner = input_size(width, height, long_side)

    def prepare(self, frame: VideoFrame) -> Pixels:
        return _rgb(frame, *self._inner)

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        scale = np.array([self._size[0] / self._inner[0], self._size[1] / self._inner[1]] * 2 + [1.0])
        return [
            [_found(FACE, row) for row in (faces * scale).tolist()]
            for faces in self._model.find(frames, long_side=None)
        ]


class ObjectFinder:
    """The embedded detector as a finder of objects with some labels."""

    def __init__(self, model: Detector, width: int, height: int, labels: Sequence[str]) -> None:
        classes = [number for number, label in model.labels.items() if label in labels]
        self._model = model
        self._settings = model.settle(DetectionSettings(imgsz=_IMGSZ, conf=_CONF, classes=classes))
        gain = min(1.0, _LONG_SIDE / max(width, height))
        self._size, self._inner = (width, height), (max(2, round(width * gain)), max(2, round(height * gain)))

    def prepare(self, frame: VideoFrame) -> Pixels:
        return _rgb(frame, *self._inner)

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        scale = np.array([self._size[0] / self._inner[0], self._size[1] / self._inner[1]] * 2)
        found = []
        for boxes in self._model.detect(frames, self._settings):
            placed = np.column_stack([boxes[:, :4] * scale, boxes[:, 4]]).tolist()
            labels = [self._model.labels[int(number)] for number in boxes[:, 5]]
            found.append([_found(label, row) for label, row in zip(labels, placed, strict=True)])
        return found


def open_finders(look: RedactOptions, labels: Sequence[str], width: int, height: int) -> list[Finder]:
    """Load the models that find faces, if they are to be hidden, and objects of `labels`.

    Raises `UsageError` for a label that no model here can find, and `SetupError` where a model is missing.
    """
    finders: list[Finder] = []
    if labels:
        model = open_engine(None)
        known = list(model.labels.values())
        unknown = [label for label in labels if label not in known]
        if unknown:
            raise UsageError(
                f"--blur {unknown[0]}: no local model detects it",
                hint=f"choose from faces, {', '.join(known)}",
                code="unknown_label",
            )
        finders.append(ObjectFinder(model, width, height, labels))
    if look.faces:
        finders.append(FaceFinder(open_centerface(), width, height, look.long_side))
    return finders


def _rgb(frame: VideoFrame, width: int, height: int) -> Pixels:
    return np.asarray(frame.reformat(width, height, format="rgb24").to_ndarray(), np.uint8)


def _found(label: str, row: Sequence[float]) -> Found:
    x1, y1, x2, y2, score = row
    return Found(label, (x1, y1, x2, y2), score)
