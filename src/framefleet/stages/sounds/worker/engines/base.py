"""What a classifier of sound is, whatever runs it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.timebase import Seconds

Slices = NDArray[np.float32]
"""Stretches of sound of one length: (n, samples), mono, 16 kHz, −1 to 1."""

Scores = NDArray[np.float32]
"""How likely each class is heard in each slice: (n, classes), 0–1, each class on its own."""


@dataclass(frozen=True, slots=True)
class Slicing:
    """How a clip is cut for a model: slices of `slice_s`, one every `hop_s`."""

    slice_s: Seconds
    hop_s: Seconds


class SoundClassifier(Protocol):
    """A loaded classifier. Safe to call from many threads."""

    @property
    def model(self) -> str: ...
    @property
    def model_id(self) -> str:
        """sha256 of the weights."""

    @property
    def labels(self) -> Sequence[str]:
        """AudioSet's display names, by class number."""

    @property
    def device(self) -> str: ...
    @property
    def gpu(self) -> str | None: ...

    def settle(self, slice_s: Seconds | None, hop_s: Seconds | None) -> Slicing:
        """How it will listen when asked that (None: as suits it). Raises `WorkerError` ("unsupported")."""

    def classify(self, slices: Slices) -> Scores:
        """The scores of slices of a settled length.

        Raises `WorkerError` ("out_of_memory") when there are too many for the device.
        """
