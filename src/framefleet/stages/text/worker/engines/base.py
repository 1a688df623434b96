"""What a reader of text is, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.worker.pictures import Pixels

Corners = NDArray[np.float64]
"""(4, 2): top left, top right, bottom right and bottom left of a line, in pixels of its picture."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A line of text; `confidence` is 0-1."""

    text: str
    confidence: float
    corners: Corners


class TextReader(Protocol):
    """A loaded reader. Safe to call from many threads."""

    @property
    def model(self) -> str: ...
    @property
    def model_id(self) -> str:
        """sha256 of the weights of all its networks, one after the other."""

    @property
    def device(self) -> str: ...
    @property
    def gpu(self) -> str | None: ...

    def read(self, pictures: Sequence[Pixels], max_side: int) -> list[list[Reading]]:
        """The lines in each of `pictures`, whose sizes may differ, from top to bottom; nothing of one depends on
        another. Text is looked for with the longer side at most `max_side` pixels.

        Raises `WorkerError` ("out_of_memory") when there are too many pictures for the device.
        """
