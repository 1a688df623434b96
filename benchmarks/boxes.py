"""Comparison of two detectors' boxes."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]
"""(n, 6): x1, y1, x2, y2, confidence, class number."""


def overlaps(one: Rows, other: Rows) -> NDArray[np.float64]:
    """Return (n, m): the intersection over union of every pair of boxes, 0 if their classes differ."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:4], other[None, :, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(rows[:, 2:4] - rows[:, :2], 0, None).prod(axis=1) for rows in (one, other)]
    union = areas[0][:, None] + areas[1][None] - shared
    same = one[:, None, 5] == other[None, :, 5]
    return np.where(same & (union > 0), shared / np.where(union > 0, union, 1), 0.0)


def pair(one: Rows, other: Rows) -> list[float]:
    """Return the overlap of each box of either side with its partner, best pairs first; 0 for a box without one."""
    table = overlaps(one, other)
    pairs: list[float] = []
    while table.size and table.max() > 0:
        row, column = np.unravel_index(table.argmax(), table.shape)
        pairs.append(float(table[row, column]))
        table = np.delete(np.delete(table, row, 0), column, 1)
    return pairs + [0.0] * (len(one) + len(other) - 2 * len(pairs))


def found_again(one: Rows, other: Rows, *, confidence: float, iou: float) -> tuple[int, int]:
    """Return how many boxes of `one` have `confidence`, and how many of these overlap one of `other` by `iou`."""
    sure = one[one[:, 4] >= confidence]
    if not len(sure) or not len(other):
        return len(sure), 0
    return len(sure), int((overlaps(sure, other).max(axis=1) >= iou).sum())
