"""The protocol of a text reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.worker.pictures import Pixels

Corners = NDArray[np.float64]
"""(4, 2): top left, top right, bottom right and bottom left of a line, in pixels of its frame."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A line of text; `confidence` is 0-1."""

    text: str
    confidence: float
    corners: Corners


class TextReader(Protocol):
    """A loaded text reader, safe to call from many threads."""

    @property
    def model(self) -> str: ...
    @property
    def model_id(self) -> str:
        """The sha256 of the weights of all its networks, one after the other."""

    @property
    def device(self) -> str: ...
    @property
    def gpu(self) -> str | None: ...

    def read(self, pictures: Sequence[Pixels], max_side: int) -> list[list[Reading]]:
        """Return the lines in each of `pictures`, from top to bottom. Sizes may differ, and each result depends on its
        frame alone. For detection, frames are scaled to at most `max_side` pixels on the longer side.

        Raises `WorkerError` ("out_of_memory") if there are too many frames for the device.
        """
