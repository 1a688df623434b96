"""Stretches of sound that were not sent: how they are recorded and joined. Pure."""

from collections.abc import Iterable
from itertools import groupby

import msgspec

from framefleet.media.types import ClipTime
from framefleet.stages.speech.clock import stretch_at, stretches
from framefleet.timebase import Seconds, Span

NO_SPEECH = "no speech"
TOUCHING_S = 0.001  # stretches this close touch: clips' spans are rounded


class Unsent(msgspec.Struct, frozen=True):
    """A stretch that was not sent, and why, as journals save it."""

    start_s: Seconds
    end_s: Seconds
    reason: str


class SentTime(ClipTime, frozen=True, gc=False):
    """The part of a planned chunk that was sent as one clip: `span` without what is `skipped` of it.

    `skipped` is everything in the chunk that was not sent, also before and after `span`, in order. Nothing was sent if
    all of `span` is skipped.
    """

    skipped: tuple[Unsent, ...] = ()

    @property
    def kept(self) -> list[Span]:
        """The stretches that were sent, on the video's clock, in order; at least one, empty if nothing was sent."""
        kept, at_s = [], self.span.start_s
        for piece in self.skipped:
            if piece.end_s <= at_s or piece.start_s >= self.span.end_s:
                continue
            if piece.start_s > at_s:
                kept.append(Span(at_s, piece.start_s))
            at_s = piece.end_s
        return [*kept, Span(at_s, self.span.end_s)] if at_s < self.span.end_s or not kept else kept

    @property
    def sent_s(self) -> Seconds:
        """The duration of the clip that was sent."""
        return round(sum(stretch.length_s for stretch in self.kept), 6)


def parted(fact: SentTime, at_s: Seconds) -> tuple[SentTime, SentTime]:
    """Return the facts of the two halves of a clip that is cut after `at_s` seconds. Each skipped stretch is in one.

    Both have all gaps, because only one of them may be answered.
    """
    cut_s = round(stretch_at(stretches(fact.kept), at_s).clock(at_s), 6)
    before = tuple(piece for piece in fact.skipped if piece.start_s < cut_s)
    return (
        SentTime(fact.index, Span(fact.span.start_s, cut_s), before, gaps=fact.gaps),
        SentTime(fact.index, Span(cut_s, fact.span.end_s), fact.skipped[len(before) :], gaps=fact.gaps),
    )


def joined(pieces: Iterable[Unsent]) -> list[Unsent]:
    """Return the stretches in the order of time; those that touch and have the same reason are joined."""
    whole: list[Unsent] = []
    for reason, alike in groupby(sorted(pieces, key=lambda p: (p.reason, p.start_s)), key=lambda p: p.reason):
        for piece in alike:
            last = whole[-1] if whole else None
            if last is not None and last.reason == reason and piece.start_s <= last.end_s + TOUCHING_S:
                whole[-1] = Unsent(last.start_s, max(last.end_s, piece.end_s), reason)
            elif piece.start_s < piece.end_s:
                whole.append(piece)
    return sorted(whole, key=lambda piece: piece.start_s)
