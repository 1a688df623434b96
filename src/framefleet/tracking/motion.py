"""The motion model: a Kalman filter of constant velocity for many boxes at once. Pure.

x and y are filtered separately, so a state is an (n, 2) array for each of position, velocity and the three distinct
entries of their covariance. Noise is relative to the box's size (the root of its area), as in ByteTrack's and
DeepSORT's filters, so that near and far objects are treated alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = TypeVar("Columns", bound=Any)

POSITION_NOISE = 0.06
"""The standard deviation of a detected box's centre, in sizes of the box; DeepSORT has 1/20 of the height."""
AT_BORDER = 0.15
"""The same in sides for a box at a border: its visible part grows and shrinks …"""
RIM = 0.004
"""The distance to a border, in widths and heights of the frame, within which it cuts a box: 5 of 1280 pixels."""
JERKINESS = 0.3
"""The standard deviation of the acceleration, in sizes of the box per second squared, constant for a second."""


@dataclass(frozen=True, slots=True)
class Sightings:
    """n detected boxes of one frame. `centre` (n, 2) in pixels, `shape` (n, 2) logs of width and height,
    `noise` (n, 2) standard deviations of the centre, `cut` (n, 2) whether a border cuts it along x, y."""

    centre: Array
    shape: Array
    noise: Array
    cut: NDArray[np.bool_]
    class_id: NDArray[np.int64]
    confidence: Array

    def __len__(self) -> int:
        return len(self.centre)


@dataclass(frozen=True, slots=True)
class States:
    """n states, each array (n, 2) for x and y: pixels and pixels a second. `size` is the box's, in pixels."""

    position: Array
    velocity: Array
    var_p: Array
    cov_pv: Array
    var_v: Array
    size: Array

    def __len__(self) -> int:
        return len(self.position)


def take(columns: Columns, places: NDArray[np.int64] | NDArray[np.bool_]) -> Columns:
    """Return the rows `places` of a dataclass of arrays (or of such dataclasses)."""
    values = (getattr(columns, f.name) for f in fields(columns))
    taken: Columns = type(columns)(*(v[places] if isinstance(v, np.ndarray) else take(v, places) for v in values))
    return taken


def stack(groups: Sequence[Columns]) -> Columns:
    """Return dataclasses of arrays (or of such dataclasses) concatenated along the first axis."""
    first = groups[0]
    joined = []
    for name in (f.name for f in fields(first)):
        parts = [getattr(group, name) for group in groups]
        joined.append(np.concatenate(parts) if isinstance(parts[0], np.ndarray) else stack(parts))
    stacked: Columns = type(first)(*joined)
    return stacked


def sight(boxes: Array, class_id: NDArray[np.int64], confidence: Array, width: int, height: int) -> Sightings:
    """Return detected `boxes` (n, 4) xyxy of a `width` × `height` frame in the filter's form."""
    whole = np.array([width, height], np.float64)
    low, high = np.clip(boxes[:, :2], 0, whole), np.clip(boxes[:, 2:], 0, whole)
    sides = np.maximum(high - low, 1.0)
    cut = (low <= RIM * whole) | (high >= (1 - RIM) * whole)
    size = np.sqrt(sides.prod(axis=1, keepdims=True))
    room = np.maximum(whole - sides, 0) / 2  # … but its centre stays within this distance of the frame's
    noise = POSITION_NOISE * size + np.where(cut, np.minimum(AT_BORDER * sides, room), 0)
    return Sightings((low + high) / 2, np.log(sides), noise, cut, class_id, confidence)


def begin(seen: Sightings, velocity: Array, spread: Array) -> States:
    """Return states of objects seen once, with only a prior of their `velocity` ± `spread`, both (n, 2)."""
    size = np.exp(seen.shape.mean(axis=1, keepdims=True)).repeat(2, axis=1)
    return States(seen.centre, velocity, seen.noise**2, np.zeros_like(velocity), spread**2, size)


def predict(states: States, dt: float) -> States:
    """Return the states `dt` seconds later."""
    q = (JERKINESS * states.size) ** 2
    return States(
        states.position + dt * states.velocity,
        states.velocity,
        states.var_p + 2 * dt * states.cov_pv + dt**2 * states.var_v + q * dt**3 / 3,
        states.cov_pv + dt * states.var_v + q * dt**2 / 2,
        states.var_v + q * dt,
        states.size,
    )


def update(states: States, seen: Sightings, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> States:
    """Return for every k the state `rows[k]` after the observation of box `columns[k]`."""
    prior, noise = take(states, rows), seen.noise[columns] ** 2
    total = prior.var_p + noise
    gain_p, gain_v = prior.var_p / total, prior.cov_pv / total
    off = seen.centre[columns] - prior.position
    size = np.exp(seen.shape[columns].mean(axis=1, keepdims=True)).repeat(2, axis=1)
    return States(
        prior.position + gain_p * off,
        prior.velocity + gain_v * off,
        prior.var_p * (1 - gain_p),
        prior.cov_pv * (1 - gain_p),
        prior.var_v - gain_v * prior.cov_pv,
        size,
    )
