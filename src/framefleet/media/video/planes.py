"""The planes of a frame as arrays."""

import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray


def pixels(plane: VideoPlane) -> NDArray[np.uint8]:
    """The plane's own memory without the padding at the end of its lines: shape (height, width)."""
    lines: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return lines[: plane.height, : plane.width]
