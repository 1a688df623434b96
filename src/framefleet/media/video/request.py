"""Requests for frames of a video: the times and the form."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.media.types import PictureTime, Sample
from framefleet.schema.document import Crop


@dataclass(frozen=True, slots=True)
class JpegView:
    """Each frame as a JPEG file: upright, cropped, its longer side at most `max_side` pixels."""

    max_side: int | None
    quality: int
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class PixelView:
    """Each frame as an array: upright, cropped, its longer side at most `max_side` pixels."""

    max_side: int | None
    crop: Crop | None = None


@dataclass(frozen=True, slots=True)
class FrameRequest:
    """The frames at these samples, ascending, in that view. Several requests share one decode."""

    samples: Sequence[Sample]
    view: JpegView | PixelView


@dataclass(frozen=True, slots=True)
class Pixels:
    """A sampled frame as an array: (height, width, 3), uint8, RGB."""

    at: PictureTime
    rgb: NDArray[np.uint8]
