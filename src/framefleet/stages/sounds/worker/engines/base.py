"""The protocol of a sound classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from framefleet.timebase import Seconds

Slices = NDArray[np.float32]
"""Slices of sound of one length: (n, samples), mono, 16 kHz, −1 to 1."""

Scores = NDArray[np.float32]
"""The probability of each class in each slice: (n, classes), 0–1, independent of each other."""


@dataclass(frozen=True, slots=True)
class Slicing:
    """The cutting of a clip for a model: slices of `slice_s`, one every `hop_s`."""

    slice_s: Seconds
    hop_s: Seconds


class SoundClassifier(Protocol):
    """A loaded classifier, safe to call from many threads."""

    @property
    def model(self) -> str: ...
    @property
    def model_id(self) -> str:
        """The sha256 of the weights."""

    @property
    def labels(self) -> Sequence[str]:
        """AudioSet's display names, by class number."""

    @property
    def device(self) -> str: ...
    @property
    def gpu(self) -> str | None: ...

    def settle(self, slice_s: Seconds | None, hop_s: Seconds | None) -> Slicing:
        """Return the slicing it will use for a request (None: its default). Raises `WorkerError` ("unsupported")."""

    def classify(self, slices: Slices) -> Scores:
        """Return the scores of slices, whose length comes from `settle`.

        Raises `WorkerError` ("out_of_memory") if there are too many for the device.
        """
