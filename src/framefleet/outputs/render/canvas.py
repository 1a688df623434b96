"""Drawing on the planes of a YUV 4:2:0 frame.

Converting to RGB and back would add half of the time that decoding and encoding take. Everything is aligned to even
pixels, since chroma has half the resolution, and clipped to the frame.
"""

from functools import cache

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framefleet.media.video.planes import pixels
from framefleet.outputs.render.colours import Yuv
from framefleet.outputs.render.lettering import Patch, Plane
from framefleet.schema.objects import Box

_ON, _OFF = 5, 4  # lengths of dash and gap, in stroke widths
_LONGEST = 1 << 16  # side of a frame


class Canvas:
    """A frame to draw on: writable, yuv420p, of even size. `width` and `height` are those of its visible part."""

    def __init__(self, frame: VideoFrame, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._planes: list[Plane] = [pixels(plane) for plane in frame.planes]

    def outline(self, box: Box, stroke: int, colour: Yuv, *, dashed: bool) -> None:
        """Draw the sides of `box` inside it, `stroke` pixels wide (even); of a smaller box only two sides."""
        x1, y1, x2, y2 = self.snapped(box)
        right, lower = max(x2 - stroke, x1), max(y2 - stroke, y1)
        for y in (y1, lower):
            self._fill((x1, y, x2, y + stroke), colour, _dashes(stroke)[None, : x2 - x1] if dashed else None)
        for x in (x1, right):
            self._fill((x, y1, x + stroke, y2), colour, _dashes(stroke)[: y2 - y1, None] if dashed else None)

    def _fill(self, rectangle: tuple[int, int, int, int], colour: Yuv, where: NDArray[np.bool_] | None) -> None:
        x1, y1, x2, y2 = rectangle
        for plane, value, scale in zip(self._planes, colour, (1, 2, 2), strict=True):
            target = plane[y1 // scale : y2 // scale, x1 // scale : x2 // scale]
            np.copyto(target, value, where=True if where is None else where[::scale, ::scale])

    def paste(self, x: int, y: int, patch: Patch) -> None:
        """Copy `patch` with its upper left corner at x, y (even, not negative)."""
        for plane, part, scale in zip(self._planes, patch, (1, 2, 2), strict=True):
            target = plane[y // scale : y // scale + part.shape[0], x // scale : x // scale + part.shape[1]]
            target[:] = part[: target.shape[0], : target.shape[1]]

    def snapped(self, box: Box) -> tuple[int, int, int, int]:
        """Return the box in even pixels, within the frame, with its corners in ascending order."""
        x1, x2 = sorted(_even(x, self.width) for x in box[::2])
        y1, y2 = sorted(_even(y, self.height) for y in box[1::2])
        return x1, y1, x2, y2


def _even(value: float, most: int) -> int:
    return round(min(max(value, 0.0), most) / 2) * 2


@cache
def _dashes(stroke: int) -> NDArray[np.bool_]:
    """Return a mask of the dashes along a line of the maximum length."""
    return np.arange(_LONGEST) % ((_ON + _OFF) * stroke) < _ON * stroke
