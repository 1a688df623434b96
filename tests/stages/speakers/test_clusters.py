"""Vectors of one person come together, of two they do not; turns are what windows agree on."""

import numpy as np

from framefleet.stages.speakers.worker.clusters import centres, group, linkage
from framefleet.stages.speakers.worker.turns import joined, turns_of
from framefleet.stages.speakers.worker.windows import HOP, Piece, Window, pieces_of, surely_two
from framefleet.worker.waveform import RATE

from . import centre


def scattered(*who: int, scatter: float = 0.4) -> np.ndarray:
    return np.stack([centre(one, scatter, seed) for seed, one in enumerate(who)])


def test_people_are_told_apart_without_their_number() -> None:
    who = [0, 1, 0, 2, 1, 0, 2, 2, 1, 0]
    labels = group(scattered(*who), np.full(len(who), 2.0), [])
    assert len(set(labels)) == 3
    assert len({(one, int(label)) for one, label in zip(who, labels, strict=True)}) == 3


def test_a_number_that_is_given_is_kept_and_a_most_is_not_exceeded() -> None:
    vectors, weights = scattered(0, 0, 1, 1, 2, 2), np.full(6, 3.0)
    assert len(set(group(vectors, weights, [], number=2))) == 2
    assert len(set(group(vectors, weights, [], number=5))) == 5
    assert len(set(group(vectors, weights, [], most=2))) == 2
    assert len(set(group(vectors, weights, [], most=9))) == 3


def test_pairs_that_are_surely_two_people_are_never_joined() -> None:
    vectors = np.stack([centre(1, 0.1, seed) for seed in range(4)])
    labels = linkage(vectors, np.ones(4), [(0, 1), (0, 3)], number=1)
    assert labels[0] != labels[1] and labels[0] != labels[3] and len(set(labels.tolist())) == 2


def test_a_centre_is_the_mean_by_weight_and_of_length_one() -> None:
    means = centres(np.stack([centre(0), centre(1)]), np.array([3.0, 1.0]), np.array([0, 0]))
    assert np.allclose(means[0][:2], np.array([3, 1]) / np.sqrt(10))


def window(start_s: float, *voices: tuple[float, float]) -> Window:
    """A window of 10 s in which the n-th voice speaks from and until so many seconds of it."""
    active = np.zeros((589, 3), np.bool_)
    for voice, (from_s, until_s) in enumerate(voices):
        active[round(from_s * RATE / HOP) : round(until_s * RATE / HOP), voice] = True
    return Window(round(start_s * RATE), active)


def test_speech_is_cut_at_pauses_and_two_voices_of_a_window_are_two_people() -> None:
    first = window(0, (1.0, 3.0), (6.0, 9.0))
    first.active[round(3.5 * RATE / HOP) : round(5.5 * RATE / HOP), 0] = True
    pieces = pieces_of([first])
    assert [(piece.voice, round(piece.length_s)) for piece in pieces] == [(0, 2), (0, 2), (1, 3)]
    assert surely_two(pieces) == [(0, 2), (1, 2)]
    assert pieces_of([window(0, (1.0, 1.4))]) == []  # too little to tell a voice by


def test_turns_follow_the_windows_that_overlap() -> None:
    windows = [window(0, (1.0, 8.0)), window(5, (0.0, 3.0), (4.0, 6.0))]
    pieces = pieces_of(windows)
    labels = np.array([0 if piece.voice == 0 else 1 for piece in pieces])
    one, other = turns_of(15 * RATE, windows, pieces, labels)
    assert np.allclose(one, [(1.05, 8.05)], atol=0.06)
    assert np.allclose(other, [(9.05, 11.05)], atol=0.06)


def test_two_at_once_are_both_told() -> None:
    windows = [window(0, (1.0, 5.0), (3.0, 7.0))]
    pieces = [
        Piece(0, voice, frames, frames) for voice in (0, 1) for frames in [np.flatnonzero(windows[0].active[:, voice])]
    ]
    one, other = turns_of(10 * RATE, windows, pieces, np.array([0, 1]))
    assert np.allclose([one, other], [[(1.05, 5.05)], [(3.05, 7.05)]], atol=0.06)


def test_short_pauses_are_part_of_a_turn_and_short_turns_are_none() -> None:
    assert joined([(5.0, 5.1), (0.0, 1.0), (1.3, 2.0), (2.6, 3.0)]) == [(0.0, 2.0), (2.6, 3.0)]
