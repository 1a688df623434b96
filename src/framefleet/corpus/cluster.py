"""The families and templates that videos form. Pure; nothing depends on an order.

Average linkage on distances; a family is a cluster of the number of clusters with the best silhouette, and a template a
part of it that is split off as clearly again, or by its text alone. One number of clusters for all merges templates
that lie close: of five near kinds it found three, splitting again found them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.corpus.distance import Comparison, Distances, share_known, to_clusters

LEAST = 3  # videos of a template: two alike may be chance
_MOST = 12  # families tried
_PARTS = 4  # parts tried of a family
_CLEAR, _PARTED = 0.3, 0.15  # silhouette and mean distance of the parts of a split: below, it is none for a viewer
_AS_CLEAR = 0.05  # silhouettes that differ less are alike, and then the finer split tells more
_TEXT_CLEAR, _TEXT_PARTED = 0.6, 0.75  # the same by text alone, which says most of how a video is made
_MOVES = 4  # rounds in which videos move to the nearest template
_LOOSE = 0.6  # mean distance within: templates have 0.05 to 0.4, videos that follow none 0.7
_REACH = 90  # percentile of a template's distances from its medoid, within which a new video joins it
_FAR = 1.8  # times the template's median distance, and
_FAR_AT_LEAST = 0.35  # noticeable differences: what is farther follows no template
_TWO_CLEAR = 0.5  # silhouette: two videos that are twice as far from the others as from each other follow none either


@dataclass(frozen=True, slots=True)
class Grouping:
    """The templates of a corpus: `labels` (n,) by video, -1 for one that follows none; `families` by template."""

    labels: NDArray[np.intp]
    families: list[int]


def group(found: Comparison) -> Grouping:
    """Return the templates, the largest first."""
    count = len(found.apart)
    labels = np.full(count, -1)
    families: list[int] = []
    for family, members in enumerate(_families(found.apart)):
        for part in _split_again(found, members):
            labels[part] = len(families)
            families.append(family)
    if count:
        labels = _without_pairs(found.apart, _without_outliers(found, _moved(found, labels)))
    kept = [label for label in range(len(families)) if _is_template(found.apart, np.flatnonzero(labels == label))]
    place = {label: number for number, label in enumerate(kept)}
    labels = np.array([place.get(int(label), -1) for label in labels], np.intp)
    return _largest_first(Grouping(labels, [families[label] for label in kept]))


def _is_template(apart: Distances, members: NDArray[np.intp]) -> bool:
    """Return whether the videos have a template in common: odd ones are only as alike as any."""
    count = len(members)
    return count >= LEAST and float(apart[np.ix_(members, members)].sum()) <= _LOOSE * count * (count - 1)


def join(apart: Distances, labels: NDArray[np.intp], new: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the labels with those of `new` videos: of the nearest medoid's template, unless that is farther than nine
    in ten of its videos are."""
    joined = labels.copy()
    middles = {label: medoid(apart, np.flatnonzero(labels == label)) for label in range(labels.max(initial=-1) + 1)}
    for one in new if middles else ():
        label = min(middles, key=lambda label: (apart[one, middles[label]], label))
        reach = float(np.percentile(apart[middles[label], labels == label], _REACH))
        joined[one] = label if apart[one, middles[label]] <= reach else -1
    return joined


def medoid(apart: Distances, members: NDArray[np.intp]) -> int:
    """Return the member that is nearest to all others."""
    return int(members[np.argmin(apart[np.ix_(members, members)].sum(axis=1).round(9))])


def average_linkage(apart: Distances) -> list[tuple[int, int]]:
    """Return the merges of n videos, the nearest first, as pairs of a member of each side.

    The sides are what earlier merges have joined. By a chain of nearest neighbours, in O(n²).
    """
    between, alive, sizes = apart.copy(), np.ones(len(apart), bool), np.ones(len(apart))
    np.fill_diagonal(between, np.inf)
    merges: list[tuple[float, int, int]] = []
    chain: list[int] = []
    while alive.sum() > 1:
        if not chain:
            chain = [int(np.argmax(alive))]
        while True:
            here = chain[-1]
            near = int(np.argmin(np.where(alive, between[here], np.inf)))
            if len(chain) > 1 and between[here, near] >= between[here, chain[-2]]:
                break
            chain.append(near)
        gone, kept = chain.pop(), chain.pop()
        merges.append((float(between[gone, kept]), kept, gone))
        joined = (sizes[kept] * between[kept] + sizes[gone] * between[gone]) / (sizes[kept] + sizes[gone])
        between[kept], between[:, kept] = joined, joined
        between[kept, kept] = np.inf
        sizes[kept] += sizes[gone]
        alive[gone] = False
    return [(a, b) for _, a, b in sorted(merges, key=lambda merge: merge[0])]


def cut(merges: Sequence[tuple[int, int]], count: int) -> NDArray[np.intp]:
    """Return the labels of n videos in `count` clusters, numbered by their first members."""
    total = len(merges) + 1
    of = list(range(total))

    def top(one: int) -> int:
        while of[one] != one:
            of[one] = of[of[one]]
            one = of[one]
        return one

    for a, b in merges[: total - count]:
        one, other = sorted((top(a), top(b)))
        of[other] = one
    return numbered([top(one) for one in range(total)])


def numbered(labels: Sequence[int] | NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the labels as 0, 1, … in their order."""
    return np.asarray(np.unique(labels, return_inverse=True)[1], np.intp)


def silhouette(apart: Distances, labels: NDArray[np.intp]) -> float:
    """Return the mean silhouette, -1 to 1; that of a video alone in its cluster is 0."""
    count = int(labels.max()) + 1
    inside = np.eye(count)[labels]  # (n, clusters)
    sizes = inside.sum(axis=0)
    sums = apart @ inside
    own = sizes[labels]
    mine = sums[np.arange(len(apart)), labels] / np.maximum(own - 1, 1)
    means = np.where(inside > 0, np.inf, sums / sizes)
    nearest = means.min(axis=1)
    scores = (nearest - mine) / np.maximum(np.maximum(nearest, mine), 1e-12)
    return float(np.where(own > 1, scores, 0.0).mean())


def _families(apart: Distances) -> list[NDArray[np.intp]]:
    """Return the clusters of the first level: all videos in one, unless some number of clusters is clear."""
    splits = _splits(apart, np.arange(len(apart)), _MOST, _CLEAR, _PARTED)
    return max(splits, key=lambda split: split[0])[1] if splits else [np.arange(len(apart))]


def _split_again(found: Comparison, members: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Return the templates of a family: of splits that are hardly less clear than the clearest, that into most."""
    splits = _splits(found.apart, members, _PARTS, _CLEAR, _PARTED)
    splits = splits or _splits(found.by_group["text"], members, _PARTS, _TEXT_CLEAR, _TEXT_PARTED)
    if not splits:
        return [members]
    clearest = max(score for score, _ in splits)
    as_clear = [split for split in splits if split[0] >= clearest - _AS_CLEAR]
    parts = max(as_clear, key=lambda split: (len(split[1]), split[0]))[1]
    return [part for each in parts for part in _split_again(found, each)]


def _splits(
    apart: Distances, members: NDArray[np.intp], most: int, clear: float, parted: float
) -> list[tuple[float, list[NDArray[np.intp]]]]:
    """Return the silhouettes and parts of all clear splits of `members` into at most `most` parts."""
    if len(members) < 2 * LEAST:
        return []
    own = apart[np.ix_(members, members)]
    merges = average_linkage(own)
    found = []
    for count in range(2, min(2 * most, len(members) - 1) + 1):
        labels = _without_crumbs(own, cut(merges, count))
        if not 2 <= labels.max() + 1 <= most or own[labels[:, None] != labels].mean() < parted:
            continue
        if (score := silhouette(own, labels)) >= clear:
            found.append((score, [members[labels == label] for label in range(labels.max() + 1)]))
    return found


def _without_crumbs(apart: Distances, labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the labels with those of parts smaller than `LEAST` replaced by the nearest larger part's.

    Else one odd video would keep its family from being split. Whether it follows that template is asked later.
    """
    sizes = np.bincount(labels)
    large = np.flatnonzero(sizes >= LEAST)
    if len(large) < 2:
        return np.zeros_like(labels)
    away = np.stack([apart[:, labels == one].mean(axis=1) for one in large], axis=1)
    whose: NDArray[np.intp] = np.where(sizes[labels] >= LEAST, np.searchsorted(large, labels), away.argmin(axis=1))
    return numbered(whose)


def _moved(found: Comparison, labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the labels, with videos of which part is unknown in the template they are nearest to by the rest.

    Others stay: the mean distance to a compact template may be less than to the others of a loose one.
    """
    guessed = share_known(found) < 1.0
    for _ in range(_MOVES):
        moved = np.where(guessed, to_clusters(found, labels).argmin(axis=1), labels)
        if len(np.unique(moved)) <= labels.max() or (moved == labels).all():
            break  # a template that empties is kept as it was
        labels = moved
    return labels


def _without_outliers(found: Comparison, labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the labels with -1 for videos far from the others of their template.

    Of how a video is made less may be known, and its distance is then less sure.
    """
    away = to_clusters(found, labels)[np.arange(len(labels)), labels]
    typical = np.array([np.median(away[labels == label]) for label in range(labels.max() + 1)])[labels]
    far = (away > _FAR * typical / np.sqrt(share_known(found))) & (away > _FAR_AT_LEAST)
    kept: NDArray[np.intp] = np.where(far, -1, labels)
    return kept


def _without_pairs(apart: Distances, labels: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the labels with -1 for videos that are alike, far from all others of their template, and too few for one.

    Each of them has one near it, so that by its mean distance it may not be far.
    """
    kept = labels.copy()
    for label in range(labels.max() + 1):
        while len(members := np.flatnonzero(kept == label)) > LEAST:
            own = apart[np.ix_(members, members)]
            sides = cut(average_linkage(own), 2)
            few = sides == np.bincount(sides).argmin()
            between = float(own[np.ix_(few, ~few)].mean())
            if few.sum() >= LEAST or between < _FAR_AT_LEAST or silhouette(own, sides) < _TWO_CLEAR:
                break
            kept[members[few]] = -1
    return kept


def _largest_first(found: Grouping) -> Grouping:
    """Return the templates renumbered by size, then by their first member; families in the order of templates."""
    sizes = np.bincount(found.labels[found.labels >= 0], minlength=len(found.families))
    order = sorted(range(len(found.families)), key=lambda one: (-sizes[one], int(np.argmax(found.labels == one))))
    place = {old: new for new, old in enumerate(order)}
    labels = np.array([place.get(int(label), -1) for label in found.labels], np.intp)
    names = {family: number for number, family in enumerate(dict.fromkeys(found.families[one] for one in order))}
    return Grouping(labels, [names[found.families[one]] for one in order])
