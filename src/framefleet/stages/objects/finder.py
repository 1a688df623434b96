"""The detector that a local run takes as a finder of objects, for several frames at a time."""

from collections.abc import Sequence

import numpy as np
from av.video.frame import VideoFrame

from framefleet.config.options import Options
from framefleet.models import coco_labels
from framefleet.stages.finding import FinderRequest, Found, Pixels, rgb
from framefleet.stages.objects import models
from framefleet.stages.objects.worker.engines import open_engine
from framefleet.stages.objects.worker.engines.base import DetectionSettings, Detector

_CONF = 0.15
_LONG_SIDE = 1280  # pixels of a frame that is kept for the detector


class ObjectFinder:
    """See `Finder`. A detector has a size of its own, `imgsz`: `long_side` changes nothing."""

    def __init__(self, model: Detector, imgsz: int, request: FinderRequest) -> None:
        width, height = request.width, request.height
        classes = [number for number, label in model.labels.items() if label in request.labels]
        self._model = model
        self._settings = model.settle(DetectionSettings(imgsz=imgsz, conf=_CONF, classes=classes))
        gain = min(1.0, _LONG_SIDE / max(width, height))
        self._size, self._inner = (width, height), (max(2, round(width * gain)), max(2, round(height * gain)))

    def prepare(self, frame: VideoFrame) -> Pixels:
        return rgb(frame, *self._inner)

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        scale = np.array([self._size[0] / self._inner[0], self._size[1] / self._inner[1]] * 2)
        found = []
        for boxes in self._model.detect(frames, self._settings):
            placed = np.column_stack([boxes[:, :4] * scale, boxes[:, 4]]).tolist()
            labels = [self._model.labels[int(number)] for number in boxes[:, 5]]
            found.append(
                [
                    Found(label, (x1, y1, x2, y2), score)
                    for label, (x1, y1, x2, y2, score) in zip(labels, placed, strict=True)
                ]
            )
        return found


def open_finder(request: FinderRequest) -> ObjectFinder:
    """Load the detector, after it was downloaded if need be. Raises `SetupError` if it cannot be had."""
    options = request.options
    name = models.chosen(options.yolo_model, options.imgsz)
    if models.lacks(name):
        models.fetch(name, request.tell)
    return ObjectFinder(open_engine(models.file_of(name)), options.imgsz or models.default_imgsz(name), request)


def labels(options: Options) -> Sequence[str]:
    """Return what the detector finds: COCO's labels, or those of the file that is given.

    Raises `UsageError` for a model that this machine does not know, and `SetupError` for a file that is no detector.
    """
    models.check(options.yolo_model, options.imgsz)
    if not models.is_file(options.yolo_model):
        return coco_labels()
    return list(open_engine(options.yolo_model).labels.values())
