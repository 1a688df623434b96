"""The protocol of a detector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A frame: (height, width, 3), RGB."""

Boxes = NDArray[np.float32]
"""The boxes in a frame: (n, 6) of x1, y1, x2, y2 in its pixels, confidence 0-1, class number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """The settings of a detection. Of two boxes of one class that overlap by more than `iou`, the weaker is dropped.

    The frame is scaled so that its longer side has `imgsz` pixels; `fixed`, in settled ones: the model takes no other.
    """

    imgsz: int
    conf: float = 0.15
    iou: float = 0.5
    max_det: int = 300
    classes: Sequence[int] | None = None
    half: bool = False
    fixed: bool = False


class Detector(Protocol):
    """A loaded detector, safe to call from many threads."""

    @property
    def model(self) -> str: ...
    @property
    def model_id(self) -> str:
        """The sha256 of the weights."""

    @property
    def labels(self) -> Mapping[int, str]: ...
    @property
    def device(self) -> str: ...
    @property
    def gpu(self) -> str | None: ...

    def settle(self, asked: DetectionSettings) -> DetectionSettings:
        """Return the settings that it will actually use. Raises `WorkerError` ("unsupported") for impossible ones."""

    def detect(self, pictures: Sequence[Pixels], settings: DetectionSettings) -> list[Boxes]:
        """Return the boxes in each of `pictures`, best first. Sizes may differ. `settings` come from `settle`.

        Raises `WorkerError` ("out_of_memory") if there are too many frames for the device.
        """
