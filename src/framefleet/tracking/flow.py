"""The expected velocity of an object seen for the first time, learned from the certain joins of the video. Pure."""

from dataclasses import dataclass

import numpy as np

from framefleet.tracking.motion import Array

REACH = 0.12
"""The distance, in diagonals of the frame, within which objects are expected to move alike: a lane, a belt."""
AT_MOST = 400
"""The maximum of joins kept as examples, evenly spread over the video, so that time does not grow with their square."""
TRUST = 3.0
"""The weight, in examples, of the spread over the whole frame."""
CROSSING_S = 10.0
"""The prior, before there are examples: the time in which objects cross the frame's diagonal (standard deviation)."""
LEAST = 0.005
"""The minimum standard deviation of a velocity, in diagonals a second, however similar the examples are."""
ENOUGH = 5
"""The minimum number of examples; fewer are ignored."""
NONE = np.empty((0, 2))
"""No examples: of positions, or of velocities."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Examples of motion: positions, (k, 2) pixels, and velocities, (k, 2) pixels a second; both may be empty.

    `diagonal` is the frame's, in pixels.
    """

    where: Array
    velocity: Array
    diagonal: float

    def expect(self, places: Array) -> tuple[Array, Array]:
        """Return the mean and standard deviation, both (n, 2), of velocities at `places`, weighted by distance."""
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
    """Return the flow from a pass's examples, at most `AT_MOST` of them; none if there are too few."""
    count = len(where) if len(where) >= ENOUGH else 0
    some = np.unique(np.linspace(0, count - 1, min(count, AT_MOST)).astype(int))
    return Flow(where[some], velocity[some], diagonal)
