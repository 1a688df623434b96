"""Where a picture lies in a detector's input, and the way back. Pure; the rule is Ultralytics' (`LetterBox`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.stages.objects.engines.base import Boxes


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture of `width` × `height` scaled to `inner_width` × `inner_height`, with borders around it, in pixels."""

    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def outer(self) -> tuple[int, int]:
        """(height, width) of the detector's input."""
        return self.inner_height + self.top + self.bottom, self.inner_width + self.left + self.right

    def restore(self, boxes: Boxes) -> Boxes:
        """Boxes (n, 4 or more) of the input as boxes of the picture, cut at its edges."""
        restored = boxes.copy()
        for axis, border, size, inner in (
            (0, self.left, self.width, self.inner_width),
            (1, self.top, self.height, self.inner_height),
        ):
            restored[:, axis:4:2] = np.clip((boxes[:, axis:4:2] - border) * (size / inner), 0, size)
        return restored


def fit(width: int, height: int, box: tuple[int, int], stride: int | None) -> Letterbox:
    """A picture inside `box` (height, width): the border only up to a multiple of `stride`, or all of it (None)."""
    gain = min(box[0] / height, box[1] / width)
    inner_width, inner_height = max(round(width * gain), 1), max(round(height * gain), 1)
    spare_x, spare_y = box[1] - inner_width, box[0] - inner_height
    if stride:
        spare_x, spare_y = spare_x % stride, spare_y % stride
    left, top = round(spare_x / 2 - 0.1), round(spare_y / 2 - 0.1)
    return Letterbox(width, height, inner_width, inner_height, left, top, spare_x - left, spare_y - top)


def rows_to_blend(height: int, inner_height: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each of `inner_height` rows the two of `height` rows that it lies between: all upper ones, then all lower.

    With them the share that each gives, in quarters of the whole: `weights/letterbox.onnx` wants it so.
    """
    at = (np.arange(inner_height) + 0.5) * (height / inner_height) - 0.5
    upper = np.floor(at)
    lower_share = np.round((at - upper) * 2048) / 2048  # OpenCV counts shares in 2048ths
    rows = np.concatenate([upper, upper + 1]).clip(0, height - 1).astype(np.int64)
    return rows, (4 * np.concatenate([1 - lower_share, lower_share])).astype(np.float32)
