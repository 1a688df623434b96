"""What somebody wants of a video's pictures: which times, and in what form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.media.types import PictureTime, Sample
from framefleet.schema.document import Crop


@dataclass(frozen=True, slots=True)
class JpegView:
    """Each picture as a JPEG file: upright, cropped, its longer side at most `max_side` pixels."""

    max_side: int | None
    quality: int
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class PixelView:
    """Each picture as an array: upright, cropped, its longer side at most `max_side` pixels."""

    max_side: int | None
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """Pictures at these times, ascending, in that form. Several orders share one decode."""

    samples: Sequence[Sample]
    view: JpegView | PixelView


@dataclass(frozen=True, slots=True)
class Pixels:
    """A sampled picture as an array: (height, width, 3), uint8, RGB."""

    at: PictureTime
    rgb: NDArray[np.uint8]
