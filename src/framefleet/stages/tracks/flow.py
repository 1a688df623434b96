"""What velocity a thing seen for the first time may have: learned from the surer joins of the same video. Pure."""

from dataclasses import dataclass

import numpy as np

from framefleet.stages.tracks.motion import Array

REACH = 0.12
"""How far, in diagonals of the picture, things are expected to move alike: a lane, a belt."""
AT_MOST = 400
"""Joins kept as examples, evenly spread over the video, so that time does not grow with their square."""
TRUST = 3.0
"""How many examples the spread over the whole picture counts for."""
CROSSING_S = 10.0
"""The wide guess, before there are examples: things take so long for the picture's diagonal (standard deviation)."""
LEAST = 0.005
"""Least standard deviation of a velocity, in diagonals a second, however alike the examples are."""
ENOUGH = 5
"""Fewer examples tell nothing."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Examples of motion: where, (k, 2) pixels, and how, (k, 2) pixels a second; both may be empty.

    `diagonal` is the picture's, in pixels.
    """

    where: Array
    velocity: Array
    diagonal: float

    def expect(self, places: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, (n, 2), of velocities at `places`: by nearness."""
        if not len(self.where):
            return np.zeros_like(places), np.full_like(places, self.diagonal / CROSSING_S)
        x, y = (places[:, axis, None] - self.where[:, axis] for axis in (0, 1))
        near = np.exp(-(x**2 + y**2) / (2 * (REACH * self.diagonal) ** 2))
        total = near.sum(axis=1, keepdims=True) + TRUST
        mean = near @ self.velocity / total
        squares = self.velocity**2
        square = (near @ squares + TRUST * squares.mean(axis=0)) / total
        return mean, np.sqrt(np.maximum(square - mean**2, 0)) + LEAST * self.diagonal


def learn(where: Array, velocity: Array, diagonal: float) -> Flow:
    """The examples of a pass, `AT_MOST` of them; none if they are too few."""
    count = len(where) if len(where) >= ENOUGH else 0
    some = np.unique(np.linspace(0, count - 1, min(count, AT_MOST)).astype(int))
    return Flow(where[some], velocity[some], diagonal)
