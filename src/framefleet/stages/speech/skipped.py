"""Stretches of sound that nobody was asked about: how they are told, remembered and put together. Pure."""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from framefleet.media.info import ClipTime
from framefleet.units import Seconds

NO_SPEECH = "no speech"
TOUCHING_S = 0.001  # what ends and begins within this follows on: clips' spans are rounded


class Skipped(msgspec.Struct, frozen=True):
    """A stretch nobody was asked about, and why."""

    start_s: Seconds
    end_s: Seconds
    reason: str


class SentTime(ClipTime, frozen=True, gc=False):
    """Where what was sent of a planned chunk lies; `skipped` is what was not. Nothing was sent if `span` is skipped."""

    skipped: tuple[Skipped, ...] = ()


def joined(pieces: Iterable[Skipped]) -> list[Skipped]:
    """The stretches in order of time, those that follow each other for one reason as one."""
    whole: list[Skipped] = []
    for reason, alike in groupby(sorted(pieces, key=lambda p: (p.reason, p.start_s)), key=lambda p: p.reason):
        for piece in alike:
            last = whole[-1] if whole else None
            if last is not None and last.reason == reason and piece.start_s <= last.end_s + TOUCHING_S:
                whole[-1] = Skipped(last.start_s, max(last.end_s, piece.end_s), reason)
            elif piece.start_s < piece.end_s:
                whole.append(piece)
    return sorted(whole, key=lambda piece: piece.start_s)
