"""Windows of 10 s in which up to three voices are told apart, and their speech cut into pieces. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.timebase import Seconds
from framefleet.worker.waveform import RATE

WINDOW, STEP = 10 * RATE, 5 * RATE
"""Samples of a window, and from one to the next: each moment is in two."""

HOP, FIRST = 270, 721
"""Samples from one frame of the model to the next, and before the first one's middle."""

VOICES = 3

_LEAST_S = 0.6  # a voice that speaks alone for less is not told from others
_CLEAR_S = 0.4  # less of a piece than this without another voice over it says too little of its voice
_PAUSE_S, _PIECE_S = 0.25, 1.2  # a voice is cut at pauses of the one into pieces of at least the other


@dataclass(frozen=True, slots=True)
class Window:
    """`start` is its first sample; `active` (frames, 3) says whether each voice speaks. Voices are the window's own."""

    start: int
    active: NDArray[np.bool_]

    def samples(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the samples that these frames stand for: (frames × 270,)."""
        begin = self.start + FIRST - HOP // 2 + frames * HOP
        return (begin[:, None] + np.arange(HOP)).ravel()


@dataclass(frozen=True, slots=True)
class Piece:
    """Some speech of one voice of one window: the `frames` in which it speaks, and those in which it does so alone."""

    window: int
    voice: int
    frames: NDArray[np.int64]
    clear: NDArray[np.int64]

    @property
    def length_s(self) -> Seconds:
        return len(self.frames) * HOP / RATE


def pieces_of(windows: list[Window]) -> list[Piece]:
    """Return the speech of each voice of each window, cut at its pauses."""
    found = []
    for number, window in enumerate(windows):
        alone = window.active & (window.active.sum(axis=1, keepdims=True) == 1)
        for voice in range(VOICES):
            if alone[:, voice].sum() * HOP < _LEAST_S * RATE:
                continue
            for frames in _cut(np.flatnonzero(window.active[:, voice])):
                clear = frames[alone[frames, voice]]
                if len(clear) * HOP < _CLEAR_S * RATE:
                    clear = np.flatnonzero(alone[:, voice])
                found.append(Piece(number, voice, frames, clear))
    return found


def surely_two(pieces: list[Piece]) -> list[tuple[int, int]]:
    """Return the pairs of pieces that are surely of two people: those of two voices of one window."""
    by_window: dict[int, list[int]] = {}
    for place, piece in enumerate(pieces):
        by_window.setdefault(piece.window, []).append(place)
    return [
        (i, j)
        for places in by_window.values()
        for i in places
        for j in places
        if i < j and pieces[i].voice != pieces[j].voice
    ]


def _cut(frames: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """`frames` cut at pauses; what is shorter than a piece goes to the neighbour that is nearer in time."""
    parts = np.split(frames, np.flatnonzero(np.diff(frames) * HOP > _PAUSE_S * RATE) + 1)
    while len(parts) > 1 and min(map(len, parts)) * HOP < _PIECE_S * RATE:
        short = min(range(len(parts)), key=lambda place: len(parts[place]))
        before = parts[short][0] - parts[short - 1][-1] if short else np.inf
        after = parts[short + 1][0] - parts[short][-1] if short + 1 < len(parts) else np.inf
        first = short - 1 if before <= after else short
        parts[first : first + 2] = [np.concatenate(parts[first : first + 2])]
    return parts
