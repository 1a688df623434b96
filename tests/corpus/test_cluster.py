"""Distances, linkage and the grouping of videos, checked against plain definitions."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from framefleet.corpus.cluster import LEAST, average_linkage, cut, group, join, medoid, silhouette
from framefleet.corpus.distance import compare, distances
from framefleet.corpus.figures import FIGURES

Rows = NDArray[np.float64]
seeds = st.integers(0, 2**32 - 1)


def rows_of(seed: int, count: int, kinds: int = 3, apart: float = 4.0) -> Rows:
    """Videos of so many kinds, in noticeable differences, some figures unknown or not there."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, apart, (kinds, len(FIGURES)))
    rows = centres[rng.integers(0, kinds, count)] + rng.normal(0, 0.3, (count, len(FIGURES)))
    rows[rng.random(rows.shape) < 0.05] = np.nan
    rows[rng.random(rows.shape) < 0.05] = np.inf
    return rows


def points(seed: int, count: int) -> Rows:
    at = np.random.default_rng(seed).uniform(0, 1, (count, 2))
    return np.linalg.norm(at[:, None] - at[None], axis=2)


def parts(labels: NDArray[np.intp]) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


@given(seeds, st.integers(1, 12))
def test_distances_are_symmetric_nothing_to_itself_and_capped(seed: int, count: int) -> None:
    apart = distances(rows_of(seed, count))
    assert np.allclose(apart, apart.T)
    assert np.allclose(np.diag(apart), 0)
    assert (apart >= 0).all()
    assert (apart <= 3.0 + 1e-9).all()


@given(seeds)
def test_a_distance_depends_on_the_two_alone(seed: int) -> None:
    rows = rows_of(seed, 6)
    assert np.allclose(distances(rows)[:3, :3], distances(rows[:3]))


def test_nobody_looked_is_another_thing_than_not_there() -> None:
    rows = np.zeros((3, len(FIGURES)))
    text = [place for place, figure in enumerate(FIGURES.values()) if figure.group == "text"]
    rows[1, text] = np.inf
    rows[2, text] = np.nan
    apart = distances(rows)
    assert apart[0, 1] == 0.0  # left out of the pair
    assert apart[0, 2] == pytest.approx(1.0 / 6.7)  # one noticeable difference, by the weight of text


@given(seeds, st.integers(2, 14), st.integers(1, 14))
def test_linkage_is_by_the_mean_of_all_pairs(seed: int, count: int, clusters: int) -> None:
    """The plain way: merge the two clusters with the nearest mean, until there are so many."""
    apart, clusters = points(seed, count), min(clusters, count)
    plain = [[one] for one in range(count)]
    while len(plain) > clusters:
        a, b = min(combinations(range(len(plain)), 2), key=lambda p: apart[np.ix_(plain[p[0]], plain[p[1]])].mean())
        plain[a] += plain.pop(b)
    assert parts(cut(average_linkage(apart), clusters)) == {frozenset(one) for one in plain}


@given(seeds, st.integers(4, 12))
def test_silhouette_as_it_is_defined(seed: int, count: int) -> None:
    apart = points(seed, count)
    labels = cut(average_linkage(apart), 3)
    expected = []
    for one in range(count):
        mine = [apart[one, other] for other in range(count) if labels[other] == labels[one] and other != one]
        others = [apart[one, labels == label].mean() for label in set(labels.tolist()) - {labels[one]}]
        expected.append((min(others) - np.mean(mine)) / max(min(others), np.mean(mine)) if mine else 0.0)
    assert silhouette(apart, labels) == pytest.approx(np.mean(expected))


@given(seeds, st.integers(1, 30), st.randoms(use_true_random=False))
def test_groups_do_not_depend_on_the_order(seed: int, count: int, rng: object) -> None:
    rows = rows_of(seed, count)
    order = np.random.default_rng(seed).permutation(count)
    one, other = group(compare(rows)), group(compare(rows[order]))
    back = np.empty(count, np.intp)
    back[order] = other.labels
    alone = {frozenset(np.flatnonzero(one.labels < 0).tolist())}
    assert parts(one.labels) == parts(back)
    assert alone == {frozenset(np.flatnonzero(back < 0).tolist())}


@given(seeds, st.integers(0, 30))
def test_each_video_is_in_one_place_and_templates_have_three_or_more(seed: int, count: int) -> None:
    found = group(compare(rows_of(seed, count) if count else np.zeros((0, len(FIGURES)))))
    assert len(found.labels) == count
    sizes = np.bincount(found.labels[found.labels >= 0], minlength=len(found.families))
    assert (sizes >= LEAST).all()
    assert sorted(sizes, reverse=True) == list(sizes)


@given(seeds)
def test_clear_kinds_are_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), 6)
    centres = np.zeros((4, len(FIGURES)))
    for kind in range(4):
        centres[kind, kind::4] = 3.0
    found = group(compare(centres[truth] + rng.normal(0, 0.2, (24, len(FIGURES)))))
    assert parts(found.labels) == parts(truth)


def test_alike_videos_are_one_template_and_two_are_none() -> None:
    assert group(compare(np.zeros((5, len(FIGURES))))).labels.tolist() == [0] * 5
    assert group(compare(np.zeros((2, len(FIGURES))))).labels.tolist() == [-1, -1]


def test_two_alike_that_are_like_no_others_stay_alone() -> None:
    rng = np.random.default_rng(1)
    truth = np.array([0] * 5 + [1] * 5 + [2] * 2)
    centres = np.zeros((3, len(FIGURES)))
    centres[1] = 2.5
    centres[2, ::2] = 1.2
    labels = group(compare(centres[truth] + rng.normal(0, 0.3, (12, len(FIGURES))))).labels
    assert parts(labels[:10]) == parts(truth[:10])
    assert labels[10:].tolist() == [-1, -1]


def test_a_new_video_joins_what_is_near_and_stays_alone_elsewhere() -> None:
    at = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2, 0.12, 2.5])
    apart = np.abs(at[:, None] - at[None])
    labels = np.array([0, 0, 0, 1, 1, 1, -1, -1])
    assert join(apart, labels, np.array([6, 7])).tolist() == [0, 0, 0, 1, 1, 1, 0, -1]


def test_the_medoid_is_nearest_to_all() -> None:
    at = np.array([0.0, 1.0, 5.0, 1.2])
    assert medoid(np.abs(at[:, None] - at[None]), np.array([0, 1, 3])) == 1
