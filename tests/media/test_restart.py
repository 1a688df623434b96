"""Recordings put end to end, each with a clock of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import InputError
from framefleet.media.probe import probe
from framefleet.media.restart import restart
from tests.media.make import make_audio, make_video

SECOND = 100


def clock(begin, end, step=4):
    return list(range(begin, end, step))


def test_recordings_put_end_to_end_are_refused_and_the_remedy_told(tmp_path):
    one, two = (make_video(tmp_path / name, frames=100, audio="aac") for name in ("1.ts", "2.ts"))
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    with pytest.raises(InputError, match=r"both\.ts: its clock begins anew after 4\.0 s.*-c copy OUT\.mp4"):
        probe(both)
    assert probe(one).duration_s == 4


def test_sound_alone_put_end_to_end_is_refused_too(tmp_path):
    one = make_audio(tmp_path / "1.ts", codec="mp2")
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() * 2)
    with pytest.raises(InputError, match="begins anew"):
        probe(both)


def test_parts_of_one_recording_are_one(tmp_path):
    one, two = (
        make_video(tmp_path / f"{at}.ts", frames=100, container_options={"output_ts_offset": str(at)}) for at in (0, 4)
    )
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() + two.read_bytes())
    assert probe(both).duration_s == pytest.approx(8, abs=0.1)


@given(st.integers(0, 10_000), st.integers(20, 5000), st.integers(0, 90), st.integers(20, 5000))
def test_a_clock_that_begins_anew_is_found_where_it_does(begin, length, apart, rest):
    first = clock(begin, begin + length)
    again = clock(begin + apart, begin + apart + rest)
    found = restart(first + again, SECOND)
    back = first[-2] - again[1]
    assert found == (pytest.approx((first[-1] - begin) / SECOND) if back > 0.1 * SECOND else None)


@given(st.integers(200, 5000), st.lists(st.tuples(st.integers(0, 10_000), st.integers(-(10**6), 10**6)), max_size=3))
def test_single_spoilt_times_are_no_new_clock(length, spoilt):
    times = clock(0, length)
    for place, wrong in spoilt:
        if all(abs(place % len(times) - other % len(times)) > 3 for other, _ in spoilt if other != place):
            times[place % len(times)] = wrong
    assert restart(times, SECOND) is None


def test_a_stretch_given_twice_is_no_new_clock():
    assert restart(clock(0, 3000) + clock(2500, 6000), SECOND) is None
    assert restart(clock(0, 3000) + clock(1500, 6000), SECOND) is not None
