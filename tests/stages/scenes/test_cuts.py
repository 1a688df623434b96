"""A cut's time lies within its bounds, whatever the header and the index claim."""

from hypothesis import given
from hypothesis import strategies as st

from framefleet.stages.scenes.cuts import Cut, out_of_rhythm, place

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
    assert out_of_rhythm([0, 2, 4, 6, 8]) == []
    assert out_of_rhythm([0, 2, 3.9601, 6, 7.96]) == []
    assert out_of_rhythm([0, 10, 13.4, 23.4, 24]) == [13.4, 24]
    assert out_of_rhythm([]) == out_of_rhythm([0]) == []
