"""Vectors of voices grouped by person: average linkage over cosine distance. Pure; the client joins clips by it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""(n, 256), each of length 1."""

Labels = NDArray[np.int64]
"""(n,): the number of each vector's group, from 0 without gaps."""

JOIN = 0.13
"""Cosine distance of two centres, each of some seconds of speech, up to which they are one person's.

Of one person they were at most 0.09 apart (19 pairs), of two people at least 0.16 (49 pairs).
"""

PIECES = 0.30
"""The same for single pieces of speech, whose vectors scatter far more than centres do."""

SMALL_S = 3.0
"""A group with less speech than this, in seconds, is given to the nearest ones."""

_NEVER = 9.0  # a distance beyond all that there are: these two are surely two people
_ROUNDS = 3


def linkage(
    vectors: Vectors,
    weights: NDArray[np.float64],
    never: Iterable[tuple[int, int]] = (),
    *,
    number: int | None = None,
    threshold: float = PIECES,
) -> Labels:
    """Join the nearest groups until the nearest are further apart than `threshold`, or `number` groups are left.

    `weights` (n,) are seconds of speech; pairs of vectors in `never` do not end in one group.
    """
    n = len(vectors)
    apart = 1.0 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    for i, j in never:
        apart[i, j] = apart[j, i] = _NEVER
    np.fill_diagonal(apart, np.inf)
    size, label = weights.astype(np.float64), np.arange(n)
    for _ in range(n - (number or 1)):
        i, j = sorted(divmod(int(apart.argmin()), n))
        if apart[i, j] >= _NEVER or (number is None and apart[i, j] > threshold):
            break
        mean = (size[i] * apart[i] + size[j] * apart[j]) / (size[i] + size[j])
        row = np.where(np.maximum(apart[i], apart[j]) == _NEVER, _NEVER, mean)
        row[np.isinf(apart[i]) | np.isinf(apart[j])] = np.inf
        apart[i] = apart[:, i] = row
        apart[j] = apart[:, j] = np.inf
        size[i] += size[j]
        label[label == j] = i
    return _numbered(label)


def centres(vectors: Vectors, weights: NDArray[np.float64], labels: Labels) -> Vectors:
    """Return each group's mean vector, of length 1: (groups, 256)."""
    sums = np.zeros((int(labels.max()) + 1, vectors.shape[1]), np.float64)
    np.add.at(sums, labels, vectors * weights[:, None])
    lengths = np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    means: Vectors = (sums / lengths).astype(np.float32)
    return means


def group(
    vectors: Vectors,
    weights: NDArray[np.float64],
    never: Iterable[tuple[int, int]],
    *,
    number: int | None = None,
    most: int | None = None,
    small_s: float = SMALL_S,
) -> Labels:
    """Return each piece's person. Pieces are joined first, then whole groups, whose centres tell people apart better.

    `number` is how many people there are, `most` how many at most; None: as many as can be told apart.
    """
    pairs = list(never)
    labels = _settled(vectors, weights, linkage(vectors, weights, pairs), small_s)
    if number is not None and labels.max() + 1 < number:
        return _settled(vectors, weights, linkage(vectors, weights, pairs, number=number), 0.0)
    while True:
        means, seconds = centres(vectors, weights, labels), np.bincount(labels, weights).astype(np.float64)
        people = linkage(means, seconds, number=number, threshold=JOIN)
        if most is not None and people.max() + 1 > most:
            people = linkage(means, seconds, number=most)
        if people.max() == labels.max():
            return labels
        labels = _settled(vectors, weights, people[labels], 0.0 if number is not None else small_s)


def _settled(vectors: Vectors, weights: NDArray[np.float64], labels: Labels, small_s: float) -> Labels:
    """Dissolve groups of less than `small_s`, and give each piece to the nearest centre, some times over."""
    for _ in range(_ROUNDS):
        seconds = np.bincount(labels, weights)
        kept = centres(vectors, weights, labels)[seconds >= min(small_s, seconds.max())]
        labels = _numbered((vectors @ kept.T).argmax(axis=1))
    return labels


def _numbered(labels: NDArray[np.int64]) -> Labels:
    """Number the groups from 0 without gaps."""
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)
