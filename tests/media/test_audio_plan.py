"""Chunks cover the sound once; a cut lies in a pause."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from framefleet.media.audio.chunks import RATE, plan_chunks, quietest

NOISE = np.random.default_rng(1)


@given(st.floats(-5, 5), st.floats(0.01, 50_000), st.sampled_from([300.0, 900.0]))
def test_chunks_cover_everything_once(start_s, length_s, max_chunk_s):
    end_s = start_s + length_s
    chunks = plan_chunks(start_s, end_s, max_chunk_s)
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert chunks[0].span.start_s == start_s
    assert chunks[-1].span.end_s == end_s
    assert all(one.span.end_s == other.span.start_s for one, other in pairwise(chunks))
    assert all(0 < chunk.units <= max_chunk_s + 1e-5 for chunk in chunks)
    assert max(chunk.units for chunk in chunks) - min(chunk.units for chunk in chunks) < 1e-5


@pytest.mark.parametrize(("minutes", "count"), [(0.1, 1), (15, 1), (15.1, 2), (30, 2), (31, 3), (60, 4), (600, 40)])
def test_as_many_chunks_as_quarters_of_an_hour(minutes, count):
    assert len(plan_chunks(0, minutes * 60, 900)) == count


def test_nothing_to_hear_is_no_chunk():
    assert plan_chunks(3.0, 3.0, 900) == []


def test_neighbouring_cuts_cannot_meet():
    for chunk in plan_chunks(0, 20, 6):
        assert 2 * chunk.reach_s < chunk.span.length_s


def noise(seconds, loudness):
    return NOISE.normal(0, loudness, round(seconds * RATE)).clip(-32768, 32767).astype(np.int16)


def seconds_of(*parts):
    return quietest(np.concatenate(parts)) / RATE


def test_the_cut_is_in_the_middle_of_the_pause():
    assert seconds_of(noise(4, 5000), noise(1, 50), noise(7, 5000)) == pytest.approx(4.5, abs=0.1)


def test_a_longer_pause_is_better_than_a_slightly_quieter_one():
    parts = noise(2, 5000), noise(0.4, 60), noise(3, 5000), noise(1.5, 90), noise(2, 5000)
    assert seconds_of(*parts) == pytest.approx(6.15, abs=0.1)


def test_a_pause_in_front_of_music_is_found():
    assert seconds_of(noise(3, 8000), noise(0.6, 2000), noise(3, 8000)) == pytest.approx(3.3, abs=0.1)


def test_the_gap_within_a_word_is_not_a_pause():
    closure = noise(0.1, 5)  # quieter than the pause, but shorter than any
    assert seconds_of(noise(2, 5000), closure, noise(2, 5000), noise(0.5, 100), noise(2, 5000)) > 4


def test_of_silence_alone_the_middle():
    assert seconds_of(np.zeros(10 * RATE, np.int16)) == pytest.approx(5, abs=0.1)


@given(arrays(np.int16, st.integers(0, 12_000)))
def test_a_cut_never_leaves_the_sound(samples):
    assert 0 <= quietest(samples) <= len(samples)
