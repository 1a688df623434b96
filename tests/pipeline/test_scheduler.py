"""Waves: what is ready goes together."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from framefleet.pipeline.scheduler import apart, expected_spans, plan_graph, waves
from framefleet.stages.frame_stage import span_samples
from framefleet.timebase import Span

NAMES = "abcdefgh"


@st.composite
def needs_of(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Stages each of which works on some of those before it."""
    return {
        name: tuple(draw(st.sets(st.sampled_from(NAMES[:place])))) if place else () for place, name in enumerate(NAMES)
    }


@given(needs_of(), st.lists(st.sampled_from(NAMES), min_size=1))
def test_each_stage_goes_as_soon_as_all_that_it_works_on_is_there(
    needs: dict[str, tuple[str, ...]], asked: list[str]
) -> None:
    names = plan_graph(asked, needs).names
    planned = waves(names, needs)
    assert sorted(name for wave in planned for name in wave) == sorted(names)
    place = {name: number for number, wave in enumerate(planned) for name in wave}
    for name in names:
        before = [place[need] for need in needs[name]]
        assert place[name] == (max(before) + 1 if before else 0)


def test_tracks_wait_for_objects_and_nothing_else_does() -> None:
    needs = {"objects": (), "speech": (), "scenes": (), "tracks": ("objects",)}
    assert waves(["objects", "speech", "scenes", "tracks"], needs) == [("objects", "speech", "scenes"), ("tracks",)]


times = st.floats(0, 1000).map(lambda time: round(time, 6))


@given(st.lists(st.tuples(times, times).map(lambda edges: Span(min(edges), max(edges)))), st.integers(1, 4))
def test_pictures_of_spans_come_in_the_order_of_time_and_lie_within(spans: list[Span], count: int) -> None:
    found = apart(spans)
    assert all(one.end_s <= other.start_s for one, other in pairwise(found))
    samples = span_samples(found, count)
    assert [sample.index for some in samples for sample in some] == list(range(count * len(found)))
    for span, some in zip(found, samples, strict=True):
        assert len(some) == count
        assert all(span.start_s <= sample.time_s <= span.end_s for sample in some)
    moments = [sample.time for some in samples for sample in some]
    assert moments == sorted(moments)


def test_of_one_picture_it_is_that_in_the_middle() -> None:
    (some,) = span_samples([Span(1.0, 2.0)], 1)
    assert some[0].time == Fraction(3, 2)
    (three,) = span_samples([Span(0.0, 3.0)], 3)
    assert [sample.time for sample in three] == [Fraction(1, 2), Fraction(3, 2), Fraction(5, 2)]


@given(st.floats(0.001, 1e5))
def test_what_is_expected_covers_the_video(duration_s: float) -> None:
    spans = expected_spans(duration_s)
    assert (spans[0].start_s, round(spans[-1].end_s - duration_s, 5)) == (0.0, 0.0)
    assert all(one.end_s == other.start_s for one, other in pairwise(spans))


def test_of_nothing_nothing_is_expected() -> None:
    assert expected_spans(0.0) == []
