"""The cost of joining boxes: minus the log of probability densities, so that costs add. Pure."""

import numpy as np

from framefleet.timebase import Seconds
from framefleet.tracking.motion import (
    Array,
    Sightings,
    States,
    predict,
    update,
)

SHAPE_NOISE = 0.15
"""The standard deviation of the log of a box's sides from one sighting to the next: 15 %, for jitter and rotation."""
SHAPE_CUT = 0.7
"""The same for a box at a border."""
SHAPE_ANY = 0.7
"""The same among new objects: from half to twice as large."""
OTHER_CLASS = 3.0
"""The cost of another class: detectors confuse similar classes about one time in twenty (e^-3)."""
UNSURE = 1.5
"""The cost of a box of low confidence, which is as likely to be nothing."""


def place_cost(states: States, seen: Sightings) -> Array:
    """Return the cost (n, m) of the centre of box m for state n."""
    cost = np.zeros((len(states), len(seen)))
    for axis in (0, 1):  # a loop, because sums over a last axis of two are slow
        var = states.var_p[:, axis, None] + seen.noise[:, axis] ** 2
        cost += 0.5 * ((seen.centre[:, axis] - states.position[:, axis, None]) ** 2 / var + np.log(2 * np.pi * var))
    return cost


def look_cost(last: Sightings, seen: Sightings) -> Array:
    """Return the cost (n, m) of the sides and class of box m for objects last seen as `last`.

    It is relative to a new object, which may have any shape.
    """
    cost: Array = OTHER_CLASS * (last.class_id[:, None] != seen.class_id)
    for axis in (0, 1):
        noise = np.where(last.cut[:, axis, None] | seen.cut[:, axis], SHAPE_CUT, SHAPE_NOISE)
        off = (seen.shape[:, axis] - last.shape[:, axis, None]) / noise
        cost += 0.5 * off**2 + np.log(noise / SHAPE_ANY)
    return cost


def foresight(
    now: States, seen: Sightings, cost: Array, limit: float, fresh: States, ahead: Sightings, dt: Seconds
) -> Array:
    """Return (n, m): how much worse the next frame continues state n at box m than a track that begins there.

    Two sightings give a velocity and a third one confirms it; without this, the nearest boxes would be joined.
    """
    extra = np.zeros_like(cost)
    if not len(ahead):
        return extra
    look = look_cost(seen, ahead)
    rows, columns = np.nonzero(cost < limit)
    joined = place_cost(predict(update(now, seen, rows, columns), dt), ahead) + look[columns]
    alone = place_cost(predict(fresh, dt), ahead) + look
    best, without = (np.minimum(table.min(axis=1), limit) for table in (joined, alone))
    extra[rows, columns] = best - without[columns]
    return extra


def chances(cost: Array, limit: float, turns: int = 15) -> Array:
    """Return (n, m): the probability of each join, over all ways to join each side once or not at all (at `limit`).

    Belief propagation after Williams and Lau, "Approximate evaluation of marginal association probabilities with belief
    propagation", 2014: exact without loops, close with them, and it always converges.
    """
    likely = np.exp(np.clip(limit - cost, -50, 25))  # beyond e^25 the differences below are lost to rounding
    free = np.ones_like(likely)
    for _ in range(turns):
        message = likely * free
        wish = likely / (1 + np.maximum(message.sum(axis=1, keepdims=True) - message, 0))
        free = 1 / (1 + np.maximum(wish.sum(axis=0, keepdims=True) - wish, 0))
    message = likely * free
    joined: Array = message / (1 + message.sum(axis=1, keepdims=True))
    return joined
