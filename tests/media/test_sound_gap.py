"""Gaps as they are joined, and shared out among clips."""

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.audio.gaps import (
    APART_S,
    SoundGap,
    gaps_of,
    joined,
)
from framefleet.media.types import ClipTime
from framefleet.timebase import Span


def gap(start_s: float, end_s: float) -> SoundGap:
    return SoundGap(Span(start_s, end_s), "damaged")


gaps = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 30)).map(lambda at: gap(at[0], sum(at))), max_size=12)
cuts = st.lists(st.integers(0, 220), max_size=6).map(sorted)


def covered(told: list[SoundGap]) -> set[int]:
    return {second for one in told for second in range(int(one.span.start_s), int(one.span.end_s))}


@given(gaps, cuts)
def test_clips_tell_together_what_is_missing_in_all(told: list[SoundGap], cut: list[int]) -> None:
    """However the sound is cut; the last cut is the end of the sound, behind which more may be missing."""
    edges = [0, *cut]
    shares = [
        gaps_of(told, Span(start, end), last=end == edges[-1])
        for start, end in zip(edges, edges[1:] or [0], strict=False)
    ]
    assert covered(joined(one for share in shares for one in share)) == covered(joined(told))


@given(gaps)
def test_joined_gaps_lie_apart_and_are_joined_already(told: list[SoundGap]) -> None:
    whole = joined(told)
    assert covered(whole) >= covered(told)
    assert all(after.span.start_s - before.span.end_s >= APART_S for before, after in pairwise(whole))
    assert joined([*whole, *whole]) == whole


def test_a_gap_is_of_no_clip_that_it_only_touches() -> None:
    assert gaps_of([gap(5, 10)], Span(0, 5), last=False) == ()
    assert gaps_of([gap(5, 10)], Span(10, 20), last=True) == ()


def test_answers_kept_before_gaps_were_can_be_read() -> None:
    assert msgspec.json.decode(b'{"index":3,"span":{"start_s":0,"end_s":5}}', type=ClipTime) == ClipTime(3, Span(0, 5))
