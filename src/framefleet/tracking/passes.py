"""The passes through a video, each with the motion that the one before learned. Pure."""

from collections.abc import Iterator, Sequence

import numpy as np

from framefleet.timebase import Seconds
from framefleet.tracking.flow import NONE, learn
from framefleet.tracking.join import Chain, Frame, join
from framefleet.tracking.motion import Array

SURE = 0.8
"""The probability from which a join is certain, and the product of probabilities from which a track is."""
PASSES = 3
"""The first pass has a wide prior of motion, each next one what the one before learned; a fourth gains nothing."""


def join_again(frames: Sequence[Frame], width: int, height: int) -> list[Chain]:
    """Return the chains of `frames`, which are in the order of time, after as many passes as change something."""
    diagonal = float(np.hypot(width, height))
    chains: list[Chain] = []
    for turn in range(PASSES):
        flow = learn(*(_examples(frames, chains) if turn else (NONE, NONE)), diagonal)
        before, chains = chains, join(frames, flow, float(width * height))
        if [chain.boxes for chain in chains] == [chain.boxes for chain in before]:
            break
    return chains


def _examples(frames: Sequence[Frame], chains: Sequence[Chain]) -> tuple[Array, Array]:
    """Return the start and the velocity of each certain join, both (k, 2)."""
    sure = list(_sure_joins(frames, chains))
    if not sure:
        return NONE, NONE
    where, to, dt = (np.array(column) for column in zip(*sure, strict=True))
    return where, (to - where) / dt[:, None]


def _sure_joins(frames: Sequence[Frame], chains: Sequence[Chain]) -> Iterator[tuple[Array, Array, Seconds]]:
    for chain in chains:
        for (a, i), (b, j), chance in zip(chain.boxes, chain.boxes[1:], chain.chances, strict=False):
            one, other = frames[a], frames[b]
            if chance >= SURE and other.time_s > one.time_s:
                yield one.seen.centre[i], other.seen.centre[j], other.time_s - one.time_s
