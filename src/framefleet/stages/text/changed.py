"""Change detection: which frames have to be read because their text may differ from the frame before. Pure, and cheap
compared with reading.

Whether a frame is read depends only on it, on the sampled frame before it and on its time, so it does not depend on
batches, on the order of answers, or on whether a run was resumed. A frame that is not read has the text of the one
before.
"""

from collections.abc import Sequence
from functools import cached_property, reduce
from math import floor
from operator import add

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from framefleet.media.transport.frames import Shown
from framefleet.media.types import (
    Gap,
    PictureTime,
    Sample,
)
from framefleet.media.video.request import Pixels
from framefleet.timebase import Seconds

Luma = NDArray[np.uint8]
"""(height, width): a frame's luma, scaled down."""

AGAIN_S: Seconds = 10.0
"""At least one frame in ten seconds is read, however similar: neighbours in a slow fade never differ much."""

LEAST_SIDE = 360  # pixels of the luma compared: text of 12 pixels in a frame of 1280 × 720 keeps 6
BLOCK = (8, 16)  # rows and columns compared together: about a letter or two of small text
STROKE = 24  # levels from one pixel to the next: the edge of a legible letter
DENSE = 1 / 24  # share of a block's pixels on either side of a stroke: one small letter has that many
_PIXELS = BLOCK[0] * BLOCK[1]
MOVED = 4.0  # levels per pixel, a block's mean: coding changes a still block by 1 or 2, another dark letter by 10


class ComparedPicture:
    """A frame as it is compared: its luma, and which of its blocks look like text, computed when first needed."""

    def __init__(self, luma: Luma) -> None:
        self.luma = luma

    @cached_property
    def like_text(self) -> NDArray[np.bool_]:
        """The blocks that have as many strokes as letters do: a stroke has a rising and a falling side."""
        luma = self.luma.astype(np.int16)
        steps = np.diff(luma, append=luma[:, -1:])  # a step of 0 after the last pixel keeps the number of blocks
        strokes = np.minimum(_sums(steps >= STROKE), _sums(steps <= -STROKE))
        like_text: NDArray[np.bool_] = strokes > DENSE * _PIXELS
        return like_text


class ChangeFilter:
    """A filter that decides, frame by frame in the order of time, which have to be read. Holds one frame."""

    def __init__(self) -> None:
        self._before: tuple[Shown, ComparedPicture] | None = None

    def see(self, piece: Shown | Gap) -> bool:
        """Return whether `piece` has to be read. A gap has not; the frame after it has."""
        before, self._before = self._before, None
        if isinstance(piece, Gap):
            return False
        same = before is not None and _same(before[0], piece)
        look = before[1] if before is not None and same else ComparedPicture(_luma(piece))
        self._before = (piece, look)
        if before is None or not _follows(before[0].at, piece.at):
            return True
        return not same and text_changed(before[1], look)


def to_see(left: Sequence[Sample], every: Sequence[Sample]) -> list[Sample]:
    """Return `left` with each sample's predecessor in `every`, which it is compared with even if that is answered."""
    indices = {index for sample in left for index in (sample.index - 1, sample.index) if index >= 0}
    return [every[index] for index in sorted(indices)]


def text_changed(before: ComparedPicture, after: ComparedPicture) -> bool:
    """Return whether anything that looks like text in either frame differs between them."""
    if before.luma.shape != after.luma.shape:
        return True
    apart = np.maximum(before.luma, after.luma) - np.minimum(before.luma, after.luma)
    moved = _sums(apart) > MOVED * _PIXELS
    return bool(moved.any() and (moved & (before.like_text | after.like_text)).any())


def luma_of(jpeg: bytes) -> Luma:
    """Return the image's luma, at the smallest size that JPEG decodes to with both sides of 360 pixels or more."""
    height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
    sides = {"min_height": min(LEAST_SIDE, height), "min_width": min(LEAST_SIDE, width)}
    luma: Luma = simplejpeg.decode_jpeg(jpeg, colorspace="GRAY", fastdct=True, **sides)[..., 0]
    return luma


def luma_of_pixels(rgb: NDArray[np.uint8]) -> Luma:
    """Return the luma as `luma_of` does: means of square blocks as large as keep both sides at 360 pixels or more."""
    height, width = rgb.shape[:2]
    side = max(1, min(height, width) // LEAST_SIDE)
    rows = reduce(add, (rgb[k : height - side + k + 1 : side].astype(np.uint16) for k in range(side)))
    squares = reduce(add, (rows[:, k : width - side + k + 1 : side] for k in range(side)))
    levels = squares.astype(np.float32) @ (np.array([0.299, 0.587, 0.114], np.float32) / side**2)
    luma: Luma = (levels + 0.5).astype(np.uint8)
    return luma


def _luma(picture: Shown) -> Luma:
    return luma_of_pixels(picture.rgb) if isinstance(picture, Pixels) else luma_of(picture.jpeg)


def _same(before: Shown, after: Shown) -> bool:
    """Return whether they are the same frame. Arrays are compared by identity: the luma finds equal ones anyway."""
    if isinstance(before, Pixels) or isinstance(after, Pixels):
        return isinstance(before, Pixels) and isinstance(after, Pixels) and before.rgb is after.rgb
    return before.jpeg == after.jpeg


def _sums(values: NDArray[np.uint8] | NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Return the sum of each block; the last block of a row or column is padded with zeros.

    It adds down the columns first, where NumPy adds whole rows: the rest is an eighth of the work.
    """
    rows, columns = BLOCK
    height, width = values.shape
    padded = np.pad(values, ((0, -height % rows), (0, -width % columns)))
    down = padded.reshape(-1, rows, padded.shape[1]).sum(axis=1, dtype=np.uint16)
    sums: NDArray[np.uint32] = down.reshape(len(down), -1, columns).sum(axis=2, dtype=np.uint32)
    return sums


def _follows(before: PictureTime, after: PictureTime) -> bool:
    """Return whether they are neighbours within the same ten seconds."""
    return before.index + 1 == after.index and floor(before.time_s / AGAIN_S) == floor(after.time_s / AGAIN_S)
