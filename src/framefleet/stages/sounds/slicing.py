"""A clip as the slices that a model hears, and their scores in batches that fit its memory."""

from collections.abc import Sequence

import numpy as np

from framefleet.errors import WorkerError
from framefleet.stages.sounds.engines.base import Engine, Scores, Slices

BATCH = 32
"""Slices at once: YAMNet on a CPU is no faster with more."""


def slice_starts(length: int, size: int, hop: int) -> list[int]:
    """Where slices of `size` samples begin in `length`: every `hop`, the last one at the end. None where no sound is.

    Sound shorter than a slice is one slice.
    """
    if length <= size:
        return [0] if length else []
    return [*range(0, length - size, hop), length - size]


def classify(engine: Engine, audio: Slices, starts: Sequence[int], size: int) -> tuple[Scores, int | None]:
    """Every slice's scores, and how many slices fitted at once if a batch had to be halved (else None).

    `audio` is (samples,). Raises `WorkerError` ("out_of_memory") if not even one fits.
    """
    found: list[Scores] = []
    done, most = 0, BATCH
    while done < len(starts):
        batch = np.stack([_cut(audio, start, size) for start in starts[done : done + most]])
        scores = _tried(engine, batch, last=most == 1)
        if scores is None:
            most = -(-len(batch) // 2)
        else:
            found.append(scores)
            done += len(batch)
    return np.concatenate(found or [np.zeros((0, len(engine.labels)), np.float32)]), most if most < BATCH else None


def _cut(audio: Slices, start: int, size: int) -> Slices:
    """One slice, with silence behind sound that is too short."""
    piece = audio[start : start + size]
    return np.pad(piece, (0, size - len(piece)))


def _tried(engine: Engine, batch: Slices, *, last: bool) -> Scores | None:
    """None: they do not fit, and half of them may."""
    try:
        return engine.classify(batch)
    except WorkerError as error:
        if error.type != "out_of_memory" or last:
            raise
        return None
