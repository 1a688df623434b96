"""CenterFace as a finder of faces, for several frames at a time."""

from collections.abc import Sequence

import numpy as np
from av.video.frame import VideoFrame

from framefleet.stages.faces.centerface import CenterFace, input_size, open_centerface
from framefleet.stages.faces.spec import FACE
from framefleet.stages.finding import FinderRequest, Found, Pixels, rgb


class FaceFinder:
    """See `Finder`."""

    def __init__(self, model: CenterFace, request: FinderRequest) -> None:
        self._model, self._size = model, (request.width, request.height)
        self._inner = input_size(request.width, request.height, request.long_side)

    def prepare(self, frame: VideoFrame) -> Pixels:
        return rgb(frame, *self._inner)

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        scale = np.array([self._size[0] / self._inner[0], self._size[1] / self._inner[1]] * 2 + [1.0])
        return [
            [Found(FACE, (x1, y1, x2, y2), score) for x1, y1, x2, y2, score in (faces * scale).tolist()]
            for faces in self._model.find(frames, long_side=None)
        ]


def open_finder(request: FinderRequest) -> FaceFinder:
    """Load the model that set-up fetched. Raises `SetupError` if it is missing."""
    return FaceFinder(open_centerface(), request)
