"""When each person speaks, by what overlapping windows say of it. Pure."""

from collections.abc import Sequence

import numpy as np

from framefleet.stages.speakers.worker.clusters import Labels
from framefleet.stages.speakers.worker.windows import FIRST, HOP, Piece, Window
from framefleet.timebase import Seconds
from framefleet.worker.waveform import RATE

AT_ONCE = 2
"""The most people who speak at one moment."""

BRIDGE_S: Seconds = 0.5
"""Pauses of one person shorter than this are part of a turn."""

LEAST_S: Seconds = 0.2
"""Turns shorter than this are dropped."""

Turn = tuple[Seconds, Seconds]


def turns_of(length: int, windows: Sequence[Window], pieces: Sequence[Piece], labels: Labels) -> list[list[Turn]]:
    """Return the turns of each person in a clip of `length` samples, in the order of time.

    At each moment as many people speak as the windows agree on, those that most of them name. A window counts less
    towards its ends, where it knows less of what comes before and after.
    """
    frames = length // HOP + 1
    people = int(labels.max()) + 1 if len(labels) else 0
    votes = np.zeros((frames, people))
    many, seen = np.zeros(frames), np.full(frames, 1e-9)
    firsts = [round((window.start + FIRST) / HOP) for window in windows]
    trusts = [1.05 - np.abs(np.linspace(-1, 1, len(window.active))) for window in windows]
    for window, first, trust in zip(windows, firsts, trusts, strict=True):
        count = min(len(window.active), frames - first)
        if count > 0:
            seen[first : first + count] += trust[:count]
            many[first : first + count] += trust[:count] * window.active[:count].sum(axis=1)
    for piece, label in zip(pieces, labels, strict=True):
        at = firsts[piece.window] + piece.frames
        within = at < frames
        votes[at[within], label] += trusts[piece.window][piece.frames[within]]
    speaking = np.floor(many / seen + 0.5).astype(int)  # half up: two windows that disagree must not say "nobody"
    order = np.argsort(-votes, axis=1, kind="stable")
    on = np.zeros((frames, people), np.bool_)
    for place in range(min(AT_ONCE, people)):
        who = order[:, place]
        rows = np.flatnonzero((speaking > place) & (votes[np.arange(frames), who] > 0))
        on[rows, who[rows]] = True
    return [joined(_runs(on[:, person], length)) for person in range(people)]


def joined(turns: Sequence[Turn]) -> list[Turn]:
    """Return one person's turns in order: those that only a short pause parts as one, without the shortest."""
    made: list[Turn] = []
    for start_s, end_s in sorted(turns):
        if made and start_s - made[-1][1] < BRIDGE_S:
            made[-1] = made[-1][0], max(made[-1][1], end_s)
        else:
            made.append((start_s, end_s))
    return [(start_s, end_s) for start_s, end_s in made if end_s - start_s >= LEAST_S]


def _runs(on: "np.ndarray[tuple[int], np.dtype[np.bool_]]", length: int) -> list[Turn]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    return [
        (round(start * HOP / RATE, 3), round(min(end * HOP, length) / RATE, 3))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    ]
