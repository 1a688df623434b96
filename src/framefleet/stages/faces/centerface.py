"""CenterFace on ONNX Runtime: boxes around faces, for frames of any size."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framefleet.errors import SetupError
from framefleet.install_hints import with_extra
from framefleet.models.store import model_folder
from framefleet.stages.faces.spec import FACE, LONG_SIDE
from framefleet.stages.finding import FinderRequest, Found, Pixels, rgb

Faces = NDArray[np.float64]
"""(n, 5): x1, y1, x2, y2 in the frame's pixels and a score from 0 to 1, best first."""

THRESHOLD = 0.2
"""At 0.2 it found 55 of 55 faces in 28 photographs, at 0.3 only 50 to 52. Most false positives are backs of heads."""

OVERLAP = 0.3
"""The intersection over union above which two boxes are one face."""

_STRIDE = 32  # the network halves its input five times
_CELL = 4  # pixels of input for each cell of its output

# The graph is fixed to 10 frames of 32 × 32. Its fixed dimensions are replaced by unnamed parameters of the same number
# of bytes, so that no length field around them changes.
_FIXED = bytes.fromhex("0a02080a 0a020803 0a020820 0a020820")
_FREE = bytes.fromhex("0a021200 0a020803 0a021200 0a021200")


class CenterFace:
    """A loaded model. Safe to call from many threads; it handles `threads` frames at once (0: one per core)."""

    def __init__(self, path: Path, *, threads: int = 0) -> None:
        """Load the file. Raises `SetupError` if it is another model, or ONNX Runtime is missing."""
        self._session = _open(path)
        count = threads or len(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(4))
        self._pool = ThreadPoolExecutor(count, "faces")

    def find(
        self, frames: Sequence[Pixels], *, long_side: int | None = LONG_SIDE, threshold: float = THRESHOLD
    ) -> list[Faces]:
        """Return the faces of each frame, after scaling it down to `long_side` pixels (None: its own size)."""
        return list(self._pool.map(lambda frame: self._find(frame, long_side, threshold), frames))

    def _find(self, frame: Pixels, long_side: int | None, threshold: float) -> Faces:
        import cv2

        height, width = frame.shape[:2]
        inner = input_size(width, height, long_side)
        scaled = frame if inner == (width, height) else cv2.resize(frame, inner, interpolation=cv2.INTER_AREA)
        bgr = scaled[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)  # 0 to 255, as it was trained
        heat, size, offset, _ = self._session.run(None, {"input.1": np.ascontiguousarray(bgr)})
        found = decoded(heat[0, 0], size[0], offset[0], threshold)
        found[:, :4] *= np.array([width / inner[0], height / inner[1]] * 2)
        found[:, :4] = np.clip(found[:, :4], 0, [width, height] * 2)
        return found


def input_size(width: int, height: int, long_side: int | None) -> tuple[int, int]:
    """Return the width and height of the network's input: multiples of 32, not enlarged otherwise."""
    scale = min(1.0, long_side / max(width, height)) if long_side else 1.0
    wide, high = (max(_STRIDE, -int(-side * scale // _STRIDE) * _STRIDE) for side in (width, height))
    return wide, high


def decoded(
    heat: NDArray[np.float32], size: NDArray[np.float32], offset: NDArray[np.float32], threshold: float
) -> Faces:
    """Return the faces in the network's output, in pixels of its input.

    `heat` is (h, w), `size` and `offset` are (2, h, w) with y before x: the log of the sides and the centre's place in
    its cell, both in cells.
    """
    y, x = np.nonzero(heat > threshold)
    sides = np.exp(size[:, y, x].astype(np.float64)) * _CELL
    centre = (np.stack([y, x]) + offset[:, y, x] + 0.5) * _CELL
    low, high = np.maximum(centre - sides / 2, 0), centre + sides / 2
    boxes = np.column_stack([low[1], low[0], high[1], high[0], heat[y, x]])
    return boxes[apart(boxes)]


def apart(boxes: Faces) -> NDArray[np.int64]:
    """Return the indices of the boxes that no better box overlaps by more than `OVERLAP`, best first."""
    left = np.argsort(-boxes[:, 4], kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        low, high = np.maximum(boxes[best, :2], boxes[left, :2]), np.minimum(boxes[best, 2:4], boxes[left, 2:4])
        shared = np.maximum(high - low, 0).prod(axis=1)
        left = left[shared <= OVERLAP * (areas[best] + areas[left] - shared)]
    return np.array(kept, np.int64)


def centerface_folder() -> Path:
    """Return the folder of the model that set-up fetched. Raises `SetupError` if it is missing or damaged."""
    return model_folder("centerface")


def open_centerface() -> CenterFace:
    """Load the model that set-up fetched. Raises `SetupError` if it is missing."""
    return CenterFace(centerface_folder() / "centerface.onnx")


def _open(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise SetupError("onnxruntime is not installed", hint=with_extra("local")) from None
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise SetupError(f"{path}: cannot be read ({error.strerror})") from None
    if graph.count(_FIXED) != 1:
        raise SetupError(f"{path}: not CenterFace as it is expected")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # it warns about its output sizes on every run
    return onnxruntime.InferenceSession(graph.replace(_FIXED, _FREE), options, providers=["CPUExecutionProvider"])


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
