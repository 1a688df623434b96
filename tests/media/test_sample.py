from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import UsageError
from framefleet.media.sampling import on_screen, pick, plan_samples
from framefleet.media.types import Sample

rates = st.fractions(min_value=Fraction(1, 10), max_value=60, max_denominator=1001)


@pytest.mark.parametrize("duration", [574.0, 574.0000001, 573.9999999, 573.001])
def test_574_seconds_at_one_picture_a_second_are_574_pictures(duration):
    assert len(plan_samples(duration, 1)) == 574


@pytest.mark.parametrize(
    ("duration", "fps", "count"),
    [(10, 0.5, 5), (10.1, 0.5, 6), (10, 2, 20), (10, 29.97, 300), (0.04, 1, 1), (0.2, 0.1, 1), (0, 1, 0)],
)
def test_counts(duration, fps, count):
    assert len(plan_samples(duration, fps)) == count


def test_times_are_exact():
    assert plan_samples(10, 29.97)[7] == Sample(7, Fraction(700, 2997))
    assert plan_samples(1, 0.1)[0].time == 0


@pytest.mark.parametrize("fps", [0, -1, "-0.5"])
def test_a_rate_that_is_not_positive_is_refused(fps):
    with pytest.raises(UsageError, match="fps"):
        plan_samples(10, fps)


@given(st.integers(1, 5000), rates)
def test_a_video_of_n_steps_has_n_samples_however_its_length_was_rounded(steps, fps):
    duration = round(float(steps / fps), 6)
    assert len(plan_samples(duration, fps)) == steps


@given(st.floats(0.001, 500), rates)
def test_samples_cover_the_video_evenly_and_end_before_it(duration, fps):
    samples = plan_samples(duration, fps)
    assert [sample.index for sample in samples] == list(range(len(samples)))
    assert all(sample.time == sample.index / fps for sample in samples)
    assert samples[-1].time < Fraction(duration) + Fraction(1, 10**6)
    assert len(samples) / fps >= Fraction(duration) - Fraction(1, 10**6)


def test_pick_takes_the_last_frame_that_has_begun():
    times = [Fraction(0), Fraction(1, 2), Fraction(3, 4)]
    assert [pick(times, Fraction(t)) for t in ("-0.1", "0", "0.49", "0.5", "9")] == [None, 0, 0, 1, 2]


times_of_frames = st.lists(st.fractions(0, 20, max_denominator=90), min_size=1, max_size=40, unique=True).map(sorted)


@given(times_of_frames, st.lists(st.fractions(0, 25, max_denominator=30), max_size=40, unique=True).map(sorted))
def test_the_stream_picks_what_pick_picks(times, wanted):
    samples = [Sample(index, time) for index, time in enumerate(wanted)]
    expected = [(s, times[at], at) for s in samples if (at := pick(times, s.time)) is not None]
    assert list(on_screen(zip(times, range(len(times)), strict=True), samples)) == expected


def test_reading_stops_one_frame_after_the_last_sample():
    read = []

    def frames():
        for number in range(1000):
            read.append(number)
            yield Fraction(number), number

    assert [frame for *_, frame in on_screen(frames(), [Sample(0, Fraction(3))])] == [3]
    assert read == [0, 1, 2, 3, 4]
