"""The embedded detector as a finder of objects, for several frames at a time."""

from collections.abc import Sequence

import numpy as np
from av.video.frame import VideoFrame

from framefleet.stages.finding import FinderRequest, Found, Pixels, rgb
from framefleet.stages.objects.worker.engines import open_engine
from framefleet.stages.objects.worker.engines.base import DetectionSettings, Detector

_IMGSZ = 416  # the size that the embedded detector was trained at
_CONF = 0.15
_LONG_SIDE = 1280  # pixels of a frame that is kept for the detector


class ObjectFinder:
    """See `Finder`. The detector is the embedded one, which has a size of its own: `long_side` changes nothing."""

    def __init__(self, model: Detector, request: FinderRequest) -> None:
        width, height = request.width, request.height
        classes = [number for number, label in model.labels.items() if label in request.labels]
        self._model = model
        self._settings = model.settle(DetectionSettings(imgsz=_IMGSZ, conf=_CONF, classes=classes))
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
    """Load the embedded detector. Raises `SetupError` if it cannot be loaded."""
    return ObjectFinder(open_engine(None), request)
