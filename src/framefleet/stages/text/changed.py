"""Which pictures have to be read: those whose text may differ from the picture before. Pure, and cheap beside reading.

Whether a picture is read depends on it, on the sampled picture before it and on its time alone, so it does not depend
on batches, on the order of answers, or on whether a run was resumed. A picture that is not read has the text of the
one before.
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
from framefleet.timebase import Seconds, exact

Luma = NDArray[np.uint8]
"""(height, width): a picture's brightness, small."""

AGAIN_S: Seconds = 10.0
"""However alike pictures are, one of each ten seconds is read: a slow fade never differs much from what was before."""

LEAST_SIDE = 360  # pixels of the luma compared: text of 12 pixels in a picture of 1280 × 720 keeps 6
BLOCK = (8, 16)  # rows and columns compared as one: about a letter or two of small text
STROKE = 24  # levels from one pixel to the next: the edge of a letter that can be read
DENSE = 1 / 24  # of a block's pixels on a stroke's one side, and as many on its other: one small letter has as many
_PIXELS = BLOCK[0] * BLOCK[1]
MOVED = 4.0  # levels a pixel, the mean of a block: coding changes a still one by 1 or 2, another dark letter by 10


class ComparedPicture:
    """A picture as it is compared: its luma, and which blocks of it look like text, found once when first asked."""

    def __init__(self, luma: Luma) -> None:
        self.luma = luma

    @cached_property
    def like_text(self) -> NDArray[np.bool_]:
        """Which blocks have as many strokes as letters do: a stroke has two sides, one up and one down."""
        luma = self.luma.astype(np.int16)
        steps = np.diff(luma, append=luma[:, -1:])  # no step behind the last pixel: as many columns, so as many blocks
        strokes = np.minimum(_sums(steps >= STROKE), _sums(steps <= -STROKE))
        like_text: NDArray[np.bool_] = strokes > DENSE * _PIXELS
        return like_text


class ChangeFilter:
    """Tells, picture by picture in the order of time, which have to be read. Holds one picture."""

    def __init__(self) -> None:
        self._before: tuple[Shown, ComparedPicture] | None = None

    def see(self, piece: Shown | Gap) -> bool:
        """Whether `piece` has to be read. A gap is nothing to read, and what follows it has to be."""
        before, self._before = self._before, None
        if isinstance(piece, Gap):
            return False
        same = before is not None and _same(before[0], piece)
        look = before[1] if before is not None and same else ComparedPicture(_luma(piece))
        self._before = (piece, look)
        if before is None or not _follows(before[0].at, piece.at):
            return True
        return not same and text_changed(before[1], look)


def to_see(left: Sequence[Sample], fps: float) -> list[Sample]:
    """`left` and before each its predecessor, which it is compared with even if it is answered already."""
    rate = exact(fps)
    indices = {index for sample in left for index in (sample.index - 1, sample.index) if index >= 0}
    return [Sample(index, index / rate) for index in sorted(indices)]


def text_changed(before: ComparedPicture, after: ComparedPicture) -> bool:
    """Whether what looks like text in either picture differs between them."""
    if before.luma.shape != after.luma.shape:
        return True
    apart = np.maximum(before.luma, after.luma) - np.minimum(before.luma, after.luma)
    moved = _sums(apart) > MOVED * _PIXELS
    return bool(moved.any() and (moved & (before.like_text | after.like_text)).any())


def luma_of(jpeg: bytes) -> Luma:
    """The picture's brightness, at the least size that JPEG can be decoded at with both sides of 360 pixels or more."""
    height, width = simplejpeg.decode_jpeg_header(jpeg)[:2]
    sides = {"min_height": min(LEAST_SIDE, height), "min_width": min(LEAST_SIDE, width)}
    luma: Luma = simplejpeg.decode_jpeg(jpeg, colorspace="GRAY", fastdct=True, **sides)[..., 0]
    return luma


def luma_of_pixels(rgb: NDArray[np.uint8]) -> Luma:
    """As `luma_of`: the means of squares of pixels, as large as leaves both sides 360 pixels or more."""
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
    """Whether they are one picture. Of arrays, of one frame: two that are equal are found to be so all the same."""
    if isinstance(before, Pixels) or isinstance(after, Pixels):
        return isinstance(before, Pixels) and isinstance(after, Pixels) and before.rgb is after.rgb
    return before.jpeg == after.jpeg


def _sums(values: NDArray[np.uint8] | NDArray[np.bool_]) -> NDArray[np.uint32]:
    """The sum of each block; the last of a row or column is filled up with nothing.

    Down the columns first, where NumPy adds whole rows: the rest is an eighth of the work.
    """
    rows, columns = BLOCK
    height, width = values.shape
    padded = np.pad(values, ((0, -height % rows), (0, -width % columns)))
    down = padded.reshape(-1, rows, padded.shape[1]).sum(axis=1, dtype=np.uint16)
    sums: NDArray[np.uint32] = down.reshape(len(down), -1, columns).sum(axis=2, dtype=np.uint32)
    return sums


def _follows(before: PictureTime, after: PictureTime) -> bool:
    """Whether they are neighbours, within one stretch of ten seconds."""
    return before.index + 1 == after.index and floor(before.time_s / AGAIN_S) == floor(after.time_s / AGAIN_S)
