"""Frames are placed where their times say, after hours as after seconds, and whole sound is left alone."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefleet.media.audio.clock import Heard, Place, lay

WITHIN_S = 0.02
LENGTHS = [0.0025, 256 / 48_000, 0.01, 0.02, 1024 / 48_000, 1152 / 44_100, 0.032, 0.06, 4608 / 48_000]
TICKS = [0, 1 / 90_000, 1 / 1000]


def told(time: float, tick: float) -> float:
    """As a container with that step writes it."""
    return round(time / tick) * tick if tick else time


def laid(frames: list[Heard[float]], start: float = 0.0) -> list[tuple[Heard[float], Place]]:
    """All of them; what a frame carries is when a player plays it."""
    there = list(lay(frames, start))
    assert [heard for heard, _ in there] == frames
    return there


def worst(frames: list[Heard[float]]) -> float:
    return max(abs(place.start - heard.frame) for heard, place in laid(frames, frames[0].frame))


@st.composite
def recordings(draw: st.DrawFn, seconds: float) -> list[Heard[float]]:
    """Equal frames of a clock that may be off, stamped in steps, some of them lost in bursts."""
    length, tick = draw(st.sampled_from(LENGTHS)), draw(st.sampled_from(TICKS))
    clock = draw(st.floats(0.95, 1.05) | st.just(1.0))
    start = draw(st.floats(-5, 7200))
    count = max(20, round(seconds / length))
    holes = draw(st.lists(st.tuples(st.integers(4, count), st.integers(1, 5)), max_size=count // 10))
    lost = {first + k for first, burst in holes for k in range(burst)}
    times = [(k, start + k * length * clock) for k in range(count)]
    return [Heard(told(time, tick), length, time, anew=k == 0) for k, time in times if k not in lost]


@given(recordings(4))
def test_every_frame_is_where_its_time_says(frames):
    assert worst(frames) < WITHIN_S


@pytest.mark.full
@pytest.mark.parametrize(("tick", "clock", "every"), [(1 / 1000, 1.0, 25), (1 / 90_000, 1.0301, 10**9), (0, 0.9995, 5)])
def test_after_two_hours_as_after_ten_seconds(tick, clock, every):
    """Here each `every`-th frame of 0.1 s is lost."""
    times = [(k, k * 0.1 * clock) for k in range(2 * 36_000) if k % every or not k]
    assert worst([Heard(told(time, tick), 0.1, time, anew=k == 0) for k, time in times]) < WITHIN_S


@settings(max_examples=50)
@given(st.sampled_from(LENGTHS), st.lists(st.floats(-0.0049, 0.0049), min_size=2, max_size=200))
def test_whole_sound_is_left_alone_however_it_is_stamped(length, wandering):
    frames = [Heard(k * length + off, length, 0.0, anew=k == 0) for k, off in enumerate([0.0, *wandering])]
    places = [place for _, place in laid(frames)]
    assert all(place.jump == place.stretch == 0 for place in places)
    assert all(b.start - a.start == pytest.approx(length) for a, b in pairwise(places))


def test_frames_without_times_follow_on():
    frames = [Heard(None, 0.02, k * 0.02) for k in range(500)]
    assert worst(frames) < 1e-9


def test_times_of_some_frames_are_enough():
    """As of transport streams, where several frames share a packet's time; each fifth packet is lost here."""
    frames = [Heard(None if k % 4 else k * 0.02, 0.02, k * 0.02, anew=k == 0) for k in range(500) if k // 4 % 5 != 3]
    assert worst(frames) < WITHIN_S


@pytest.mark.parametrize("off", [-3600.0, -0.5, -0.03, 0.03, 0.5, 3600.0])
def test_a_single_wrong_time_moves_nothing(off):
    frames = [Heard(k * 0.02 + (off if k == 50 else 0), 0.02, k * 0.02, anew=k == 0) for k in range(100)]
    assert all(not place.jump for _, place in laid(frames))


def test_frames_that_are_shorter_than_their_packets_say():
    """256 samples in each packet of 1,536, as of E-AC-3: what is between them is silence."""
    frames = [Heard(k * 0.032, 256 / 48_000, k * 0.032, anew=k == 0) for k in range(54)]
    there = laid(frames)
    assert worst(frames) < WITHIN_S
    assert there[-1][1].start + 256 / 48_000 == pytest.approx(1.70, abs=WITHIN_S)


def test_what_was_heard_before_is_not_heard_again():
    """Sound that overlaps for good: what is there twice is left out."""
    times = [k * 0.02 for k in range(50)] + [0.5 + k * 0.02 for k in range(100)]
    places = [place for _, place in laid([Heard(time, 0.02, time, anew=k == 0) for k, time in enumerate(times)])]
    assert [round(place.jump, 6) for place in places if place.jump] == [-0.5]


def test_a_clock_that_is_off_is_followed_smoothly():
    frames = [Heard(k * 0.02 * 1.03, 0.02, k * 0.0206, anew=k == 0) for k in range(1000)]
    places = [place for _, place in laid(frames)][50:-1]
    assert all(place.jump == 0 and 0 < place.stretch < 0.0007 for place in places)


def test_after_damage_a_frames_own_time_counts():
    frames = [Heard(0.0, 0.02, 0.0, anew=True), Heard(0.023, 0.02, 0.023, anew=True)]
    assert [place.start for _, place in laid(frames)] == [0.0, 0.023]
