"""Where a frame lies in a detector's input, and how it gets there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.models import FOLDER
from framefleet.stages.objects.worker.engines.base import Boxes, Pixels
from framefleet.stages.objects.worker.engines.sessions import open_session


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A frame of `width` × `height` scaled to `inner_width` × `inner_height`, with borders around it, in pixels."""

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
        """The detector's input size: (height, width)."""
        return self.inner_height + self.top + self.bottom, self.inner_width + self.left + self.right

    def restore(self, boxes: Boxes) -> Boxes:
        """Return boxes (n, 4 or more) in the input as boxes in the frame, clipped to it."""
        restored = boxes.copy()
        for axis, border, size, inner in (
            (0, self.left, self.width, self.inner_width),
            (1, self.top, self.height, self.inner_height),
        ):
            restored[:, axis:4:2] = np.clip((boxes[:, axis:4:2] - border) * (size / inner), 0, size)
        return restored


def fit(width: int, height: int, box: tuple[int, int], stride: int | None) -> Letterbox:
    """Return the letterbox for `box` (height, width): padded to a multiple of `stride`, or to the whole box (None)."""
    gain = min(box[0] / height, box[1] / width)
    inner_width, inner_height = max(round(width * gain), 1), max(round(height * gain), 1)
    spare_x, spare_y = box[1] - inner_width, box[0] - inner_height
    if stride:
        spare_x, spare_y = spare_x % stride, spare_y % stride
    left, top = round(spare_x / 2 - 0.1), round(spare_y / 2 - 0.1)
    return Letterbox(width, height, inner_width, inner_height, left, top, spare_x - left, spare_y - top)


def rows_to_blend(height: int, inner_height: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return for each of `inner_height` rows the two of `height` rows around it: all upper ones, then all lower ones.

    The second array has the weight of each, times 4, as `letterbox.onnx` expects it.
    """
    at = (np.arange(inner_height) + 0.5) * (height / inner_height) - 0.5
    upper = np.floor(at)
    lower_share = np.round((at - upper) * 2048) / 2048  # OpenCV rounds weights to 2048ths
    rows = np.concatenate([upper, upper + 1]).clip(0, height - 1).astype(np.int64)
    return rows, (4 * np.concatenate([1 - lower_share, lower_share])).astype(np.float32)


def top_left(width: int, height: int, box: tuple[int, int]) -> Letterbox:
    """Return the letterbox that fills `box` (height, width) with all padding at the right and below."""
    middle = fit(width, height, box, None)
    spare_x, spare_y = middle.left + middle.right, middle.top + middle.bottom
    return Letterbox(width, height, middle.inner_width, middle.inner_height, 0, 0, spare_x, spare_y)


def stretched(width: int, height: int, box: tuple[int, int]) -> Letterbox:
    """Return the letterbox without padding: the frame fills `box` (height, width), whatever its shape."""
    return Letterbox(width, height, box[1], box[0], 0, 0, 0, 0)


class Scaler:
    """Scales frames to a detector's input: (1, 3, h, w), RGB, 0-1, with grey (114) around them.

    `smooth` averages over the pixels that become one, as Pillow does; else they are sampled, as by OpenCV.
    """

    def __init__(self, *, smooth: bool = False) -> None:
        self._smooth = smooth
        self._session = open_session(FOLDER / ("smooth.onnx" if smooth else "letterbox.onnx"))

    def __call__(self, picture: Pixels, place: Letterbox) -> NDArray[np.float32]:
        rows, shares = rows_to_blend(place.height, place.inner_height)
        height = place.inner_height if self._smooth else len(rows)
        feed = {"picture": picture[None], "size": np.array([1, height, place.inner_width, 3])}
        if not self._smooth:
            border = np.array([0, place.top, place.left, 0, 0, place.bottom, place.right, 0])
            feed |= {"rows": rows, "shares": shares[None, :, None, None], "border": border}
        image: NDArray[np.float32] = self._session.run(None, feed)[0]
        return image
