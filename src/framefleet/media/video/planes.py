"""The planes of a frame as arrays."""

import numpy as np
from av.video.plane import VideoPlane
from numpy.typing import NDArray


def pixels(plane: VideoPlane) -> NDArray[np.uint8]:
    """Return a view of the plane's memory without the padding of its lines, of shape (height, width)."""
    lines: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return lines[: plane.height, : plane.width]
