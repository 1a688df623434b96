"""What a detector is, whatever runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""A picture: (height, width, 3), RGB."""

Boxes = NDArray[np.float32]
"""What is found in a picture: (n, 6) of x1, y1, x2, y2 in its pixels, confidence 0-1, class number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectionSettings:
    """How to look. `iou` is the overlap above which the weaker of two boxes of one class goes.

    The picture is scaled so that its longer side has `imgsz` pixels.
    """

    imgsz: int
    conf: float = 0.15
    iou: float = 0.5
    max_det: int = 300
    classes: Sequence[int] | None = None
    half: bool = False


class Detector(Protocol):
    """A loaded detector. Safe to call from many threads."""

    @property
    def model(self) -> str: ...
    @property
    def model_id(self) -> str:
        """sha256 of the weights."""

    @property
    def labels(self) -> Mapping[int, str]: ...
    @property
    def device(self) -> str: ...
    @property
    def gpu(self) -> str | None: ...

    def settle(self, asked: DetectionSettings) -> DetectionSettings:
        """What it really does when asked that. Raises `WorkerError` ("unsupported") for what it cannot do."""

    def detect(self, pictures: Sequence[Pixels], settings: DetectionSettings) -> list[Boxes]:
        """What is in each of `pictures`, whose sizes may differ, best first. `settings` are settled ones.

        Raises `WorkerError` ("out_of_memory") when there are too many pictures for the device.
        """
