"""Covering parts of a YUV 4:2:0 frame by blur, large pixels or black."""

from math import ceil, floor

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framefleet.media.video.planes import pixels
from framefleet.outputs.redaction.options import Style
from framefleet.outputs.render.colours import BLACK
from framefleet.schema.objects import Box

CELLS = 6
"""Colours that remain along the longer side of a blurred or pixelated part; fewer in a small one."""
_CELL = 8  # pixels: the minimum side of a cell


def cover(frame: VideoFrame, box: Box, style: Style) -> None:
    """Cover `box` (in pixels, widened to even ones) of a writable frame of even size."""
    x1, y1, x2, y2 = outward(box, frame.width, frame.height)
    if x2 <= x1 or y2 <= y1:
        return
    across, down = cells(x2 - x1, y2 - y1)
    for plane, black, scale in zip(frame.planes, BLACK, (1, 2, 2), strict=True):
        part = pixels(plane)[y1 // scale : y2 // scale, x1 // scale : x2 // scale]
        if style == "box":
            part[:] = black
        else:
            part[:] = _coarse(part, across, down, smooth=style == "blur")


def outward(box: Box, width: int, height: int) -> tuple[int, int, int, int]:
    """Return the smallest box in even pixels around the part of `box` within the frame."""
    x1, y1 = (max(0, 2 * floor(low / 2)) for low in box[:2])
    x2, y2 = (min(most, 2 * ceil(high / 2)) for high, most in zip(box[2:], (width, height), strict=True))
    return x1, y1, x2, y2


def cells(width: int, height: int) -> tuple[int, int]:
    """Return how many colours remain across and down a part of that many pixels."""
    side = max(max(width, height) / CELLS, _CELL)
    return max(1, round(width / side)), max(1, round(height / side))


def _coarse(part: NDArray[np.uint8], across: int, down: int, *, smooth: bool) -> NDArray[np.uint8]:
    small = cv2.resize(part, (across, down), interpolation=cv2.INTER_AREA)
    way = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(small, (part.shape[1], part.shape[0]), interpolation=way), np.uint8)
