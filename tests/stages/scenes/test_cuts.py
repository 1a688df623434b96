"""A cut's time lies within its bounds, whatever the header and the index claim."""

from hypothesis import given
from hypothesis import strategies as st

from framefleet.stages.scenes.cuts import (
    Cut,
    in_rhythm,
    out_of_rhythm,
    place,
)

CUT = Cut(4.0, 4.2)
TIMES = st.floats(0, 10, allow_nan=False)


@given(TIMES, st.floats(0.001, 1), st.floats(0, 1000), st.lists(TIMES).map(sorted))
def test_within_bounds(after, length, fps, marks):
    cut = Cut(after, after + length)
    assert cut.after_s < place(cut, fps, marks) <= cut.by_s


def test_the_middle_one_of_the_frames_that_can_be_it():
    assert place(CUT, 25, []) == 4.12  # of 4.04, 4.08, 4.12, 4.16, 4.20
    assert place(CUT, 10, []) == 4.2
    assert place(CUT, 5, []) == place(CUT, 1, []) == place(CUT, 0, []) == 4.2


def test_a_mark_is_taken_only_where_it_can_be_the_cut():
    assert place(CUT, 25, [1.0, 4.04, 5.0]) == 4.04
    assert place(CUT, 25, [4.0]) == 4.12  # the old scene was still seen then
    assert place(CUT, 25, [4.24]) == 4.12
    assert place(CUT, 25, [4.2]) == 4.2


def test_keyframes_that_come_when_it_is_time_say_nothing():
    assert out_of_rhythm([0, 2, 4, 6, 8], 9) == []
    assert out_of_rhythm([0, 2, 3.9601, 6, 7.96], 9) == []
    assert out_of_rhythm([0, 10, 13.4, 23.4, 24], 26) == [13.4, 24]
    assert out_of_rhythm([], 9) == out_of_rhythm([0], 9) == []


def test_the_last_gop_tells_that_it_was_not_yet_time():
    assert out_of_rhythm([0, 3.28, 5.76, 7.76], 11.8) == [3.28, 5.76, 7.76]
    assert out_of_rhythm([0, 3.28, 5.76, 7.76], 9) == [5.76, 7.76]


def test_an_encoder_that_sees_cuts_would_have_put_keyframes_in_rhythm_on_them():
    assert in_rhythm([0, 10, 13.4, 23.4, 24, 26], 30) == [10, 23.4]
    assert in_rhythm([0, 2, 4, 6, 8], 9) == []  # it never saw one
    assert in_rhythm([0, 2, 4, 5.3, 7.3, 9.3], 11) == []  # two pieces, joined
    assert in_rhythm([0, 5, 6, 8], 10) == []  # the longest may itself have ended by a cut
    assert in_rhythm([], 9) == in_rhythm([0], 9) == []


@given(st.lists(TIMES, unique=True).map(sorted), TIMES)
def test_no_keyframe_is_both_in_and_out_of_rhythm(keyframes, more):
    until = max([*keyframes, 0.0]) + more
    early, regular = out_of_rhythm(keyframes, until), in_rhythm(keyframes, until)
    assert not set(early) & set(regular)
    assert {*early, *regular} <= set(keyframes[1:])
