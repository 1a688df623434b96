"""The interface of a stage's finder: a detector for callers that read every frame themselves, such as redaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from framefleet.config.options import Options
from framefleet.schema.objects import Box

Pixels = NDArray[np.uint8]
"""A frame: (h, w, 3), RGB."""


@dataclass(frozen=True, slots=True)
class Found:
    """A detection in one frame. `box` is x1, y1, x2, y2 in source pixels, `score` is 0 to 1."""

    label: str
    box: Box
    score: float


def _ignore(_line: str) -> None:
    """Take a line that nobody reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinderRequest:
    """What to find: `labels`, all of which the stage declares, in upright frames of `width` × `height` pixels.

    A finder that is free to choose the size of its input scales frames to `long_side` pixels on the longer side.
    `options` are those of a run, of which a finder takes what names its model. A model that is downloaded first says so
    to `tell`.
    """

    labels: Sequence[str]
    width: int
    height: int
    long_side: int
    options: Options = field(default_factory=Options)
    tell: Callable[[str], object] = field(default=_ignore, compare=False)


class Finder(Protocol):
    """A detector of something in upright frames of one size, on a model that is loaded."""

    def prepare(self, frame: VideoFrame) -> Pixels:
        """Return the form in which a frame waits for detection."""

    def find(self, frames: Sequence[Pixels]) -> list[list[Found]]:
        """Return the detections of each prepared frame."""


def rgb(frame: VideoFrame, width: int, height: int) -> Pixels:
    """Return the frame scaled to `width` × `height`."""
    return np.asarray(frame.reformat(width, height, format="rgb24").to_ndarray(), np.uint8)
