"""Exact MOTA and IDF1, and the share of ids kept from one sighting to the next.

MOTA: Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008.
IDF1: Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", 2016.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import lap
import numpy as np
from numpy.typing import NDArray

Ids = Mapping[int, tuple[float, float, float, float]]
"""One picture: id and box, xyxy."""


@dataclass(frozen=True)
class Scores:
    mota: float
    idf1: float
    kept: float
    """Of things found in two successive pictures of theirs, the share that had the same id in both."""


def score(truth: Sequence[Ids], found: Sequence[Ids], iou: float = 0.5) -> Scores:
    """Score two lists per frame of ids and boxes; a pair counts with an overlap of at least `iou`."""
    tables = [_overlaps(list(a.values()), list(b.values())) for a, b in zip(truth, found, strict=True)]
    mota, kept = _clear(truth, found, tables, iou)
    return Scores(mota, _idf1(truth, found, tables, iou), kept)


def _overlaps(one: Sequence[Sequence[float]], other: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    a, b = (np.array(side, np.float64).reshape(-1, 4) for side in (one, other))
    shared = np.clip(np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2]), 0, None)
    both = shared.prod(axis=2)
    areas = [(side[:, 2:] - side[:, :2]).prod(axis=1) for side in (a, b)]
    return both / np.maximum(areas[0][:, None] + areas[1][None] - both, 1e-9)


def _match(cost: NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    if not cost.size:
        return []
    columns, _ = lap.lapjv(cost, extend_cost=True, cost_limit=limit, return_cost=False)
    return [(row, int(column)) for row, column in enumerate(columns) if column >= 0]


def _clear(
    truth: Sequence[Ids], found: Sequence[Ids], tables: Sequence[NDArray[np.float64]], iou: float
) -> tuple[float, float]:
    """Match boxes: a pair of the previous frame is kept while it overlaps; the rest are paired best first."""
    before: dict[int, int] = {}
    wrong = switches = successive = same = 0
    for real, said, table in zip(truth, found, tables, strict=True):
        here, ids = list(real), list(said)
        pairs = {r: ids.index(before[n]) for r, n in enumerate(here) if before.get(n) in said}
        pairs = {r: c for r, c in pairs.items() if table[r, c] >= iou}
        cost = np.where(table >= iou, 1 - table, 9.0)
        cost[list(pairs)] = 9.0
        cost[:, list(pairs.values())] = 9.0
        pairs |= dict(_match(cost, 2.0))
        wrong += len(here) + len(ids) - 2 * len(pairs)
        for row, column in pairs.items():
            number, said_id = here[row], ids[column]
            if number in before:
                successive += 1
                same += before[number] == said_id
                switches += before[number] != said_id
            before[number] = said_id
    total = sum(len(real) for real in truth)
    return 1 - (wrong + switches) / max(1, total), same / max(1, successive)


def _idf1(truth: Sequence[Ids], found: Sequence[Ids], tables: Sequence[NDArray[np.float64]], iou: float) -> float:
    """Match one id per object over the whole video, such that the most boxes are correct."""
    together: Counter[tuple[int, int]] = Counter()
    for real, said, table in zip(truth, found, tables, strict=True):
        here, ids = list(real), list(said)
        together.update((here[r], ids[c]) for r, c in zip(*np.nonzero(table >= iou), strict=True))
    boxes = sum(map(len, truth)) + sum(map(len, found))
    rows, columns = (sorted({pair[side] for pair in together}) for side in (0, 1))
    table = np.zeros((len(rows), len(columns)))
    for (number, said_id), count in together.items():
        table[rows.index(number), columns.index(said_id)] = -count
    right = -sum(table[pair] for pair in _match(table, 0.0))
    return float(2 * right / max(1, boxes))
