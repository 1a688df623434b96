"""The parts of a video that are analyzed, and the samples and chunks in them."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import UsageError
from framefleet.media.audio.clips import plan_sound
from framefleet.media.sampling import chosen_parts, plan_samples, sample_span
from framefleet.schema.document import AudioInfo
from framefleet.timebase import Span
from tests.stages.speech.test_plan import media as media_with

TIMES = st.integers(0, 2_000).map(lambda tenths: tenths / 10)


@pytest.mark.parametrize(
    ("chosen", "parts"),
    [
        ({}, ()),
        ({"from_s": 0.0}, ()),
        ({"to_s": 60.0}, ()),
        ({"to_s": 90.0}, ()),
        ({"from_s": 12.5}, (Span(12.5, 60.0),)),
        ({"from_s": 12.5, "to_s": 20.0}, (Span(12.5, 20.0),)),
        ({"ends": True}, (Span(0.0, 10.0), Span(25.0, 35.0), Span(50.0, 60.0))),
        ({"ends": True, "from_s": 20.0, "to_s": 55.0}, (Span(20.0, 30.0), Span(32.5, 42.5), Span(45.0, 55.0))),
        ({"ends": True, "to_s": 30.0}, (Span(0.0, 30.0),)),
    ],
)
def test_what_is_chosen_of_a_minute(chosen: dict[str, float], parts: tuple[Span, ...]) -> None:
    assert chosen_parts(60.0, **chosen) == parts  # type: ignore[arg-type]


def test_short_videos_are_looked_at_whole() -> None:
    assert chosen_parts(29.9, ends=True) == ()


@pytest.mark.parametrize("chosen", [{"from_s": 60.0}, {"from_s": 70.0}, {"from_s": 10.0, "to_s": 10.0}, {"to_s": 0.0}])
def test_what_is_not_there_is_refused(chosen: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        chosen_parts(60.0, **chosen)  # type: ignore[arg-type]


@given(TIMES.filter(bool), st.booleans(), TIMES, TIMES)
def test_parts_are_disjoint_in_order_and_inside(duration_s: float, ends: bool, one: float, other: float) -> None:
    from_s, to_s = sorted((one, other))
    if from_s == to_s or from_s >= duration_s:
        return
    parts = chosen_parts(duration_s, from_s, to_s, ends=ends)
    edges = [edge for part in parts for edge in (part.start_s, part.end_s)]
    assert edges == sorted(set(edges)) and all(0 <= edge <= duration_s for edge in edges)


def test_samples_begin_with_each_part_and_are_numbered_throughout() -> None:
    samples = plan_samples(60.0, 2, parts=(Span(0.0, 1.0), Span(30.25, 31.0)))
    assert [(sample.index, float(sample.time)) for sample in samples] == [(0, 0), (1, 0.5), (2, 30.25), (3, 30.75)]


def test_a_part_shorter_than_a_step_has_one_sample() -> None:
    assert [sample.time for sample in plan_samples(60.0, 0.1, parts=(Span(5.0, 6.0),))] == [5]


def test_the_first_seconds_are_sampled_four_times_as_often() -> None:
    samples = plan_samples(4.0, 1, dense_first_s=1.5)
    assert [float(sample.time) for sample in samples] == [0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.5, 3.5]
    parts = plan_samples(60.0, 1, parts=(Span(10.0, 11.0), Span(20.0, 22.0)), dense_first_s=1.0)
    assert [float(sample.time) for sample in parts] == [10, 10.25, 10.5, 10.75, 20, 21]


@given(TIMES.filter(bool), st.sampled_from([1, 2, Fraction(1, 3), 7]))
def test_all_of_it_in_one_part_is_all_of_it(duration_s: float, fps: Fraction) -> None:
    assert plan_samples(duration_s, fps, parts=(Span(0.0, duration_s),)) == plan_samples(duration_s, fps)


@given(
    st.integers(1, 300).map(lambda tenths: tenths / 10),
    st.sampled_from([1.0, 2.5, 29.97]),
    st.sampled_from([(), (Span(0.0, 1.0), Span(1.5, 2.25))]),
    st.sampled_from([0.0, 1.2]),
)
def test_the_span_of_a_sample_is_known_without_the_others(
    duration_s: float, fps: float, parts: tuple[Span, ...], dense_first_s: float
) -> None:
    samples = plan_samples(duration_s, fps, parts=parts, dense_first_s=dense_first_s)
    found = [sample_span(n, duration_s, fps, parts=parts, dense_first_s=dense_first_s) for n in range(len(samples) + 1)]
    assert [span.start_s for span in found[:-1] if span] == [sample.time_s for sample in samples]
    assert found[-1] is None
    assert sample_span(10**15, 1e9, 1000.0) is None


def test_sound_is_cut_at_the_parts_and_numbered_throughout() -> None:
    audio = AudioInfo(codec="aac", sample_rate=48_000, channels=2, start_s=0.0, duration_s=600.0)
    media = replace(media_with(audio), parts=(Span(0.0, 10.0), Span(100.0, 400.0)))
    chunks = plan_sound(media, 150.0)
    assert [(chunk.number, chunk.span) for chunk in chunks] == [
        (0, Span(0.0, 10.0)),
        (1, Span(100.0, 250.0)),
        (2, Span(250.0, 400.0)),
    ]
    assert [chunks[1].reach_at(cut_s) for cut_s in (100.0, 250.0)] == [0.0, 15.0]
