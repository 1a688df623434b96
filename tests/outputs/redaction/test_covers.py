"""What is covered when: everything found, larger, held before and after, and on every way between two looks."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.outputs.redaction.covers import HOLD_S, LARGER, covers, larger, worst_of
from framefleet.outputs.redaction.sightings import Looks, Spotted, Trail, agree, trails
from framefleet.schema.objects import Box
from framefleet.stages.finding import Found

WIDTH, HEIGHT = 1280, 720


def found(x: float, y: float, side: float = 40.0, score: float = 0.9, label: str = "face") -> Found:
    return Found(label, (x, y, x + side, y + side), score)


def at_25(count: int) -> list[float]:
    return [number / 25 for number in range(count)]


def holds(outer: Box, inner: Box) -> bool:
    near = 1e-6
    return (
        outer[0] <= inner[0] + near
        and outer[1] <= inner[1] + near
        and outer[2] >= inner[2] - near
        and outer[3] >= inner[3] - near
    )


def test_a_thing_is_covered_half_a_second_before_and_after_it_was_found() -> None:
    trail: Trail = [Spotted(number, found(100, 100)) for number in range(50, 60)]
    covered = [number for number, some in enumerate(covers([trail], at_25(120))) if some]
    assert covered == list(range(50 - 12, 59 + 13))
    assert HOLD_S == 0.5


def test_what_is_covered_is_larger_than_the_thing_by_nearly_a_third() -> None:
    ((cover,),) = covers([[Spotted(0, found(100, 200, side=100))]], [0.0])
    assert cover.covered == pytest.approx((85, 185, 215, 315))
    assert LARGER == 1.3


@given(
    st.floats(-2500, 2500), st.floats(-1500, 1500), st.integers(1, 10), st.floats(8, 300), st.integers(2, 6)
)  # pixels a second, frames between looks, size, looks
def test_what_moves_evenly_is_covered_in_every_frame_between_two_looks(
    across: float, down: float, every: int, side: float, looks: int
) -> None:
    times = at_25(every * (looks - 1) + 1)
    true = [found(500 + across * t, 300 + down * t, side) for t in times]
    trail: Trail = [Spotted(number, true[number]) for number in range(0, len(times), every)]
    for number, some in enumerate(covers([trail], times)):
        assert any(holds(one.covered, true[number].box) for one in some), number


def test_where_two_sightings_are_far_apart_both_places_are_held() -> None:
    """They may be of two things that were taken for one."""
    trail: Trail = [Spotted(0, found(100, 100)), Spotted(20, found(900, 100))]
    for number, some in enumerate(covers([trail], at_25(21))):
        if number / 25 <= HOLD_S:
            assert any(holds(one.covered, found(100, 100).box) for one in some), number
        if (20 - number) / 25 <= HOLD_S:
            assert any(holds(one.covered, found(900, 100).box) for one in some), number


def test_what_is_held_is_covered_where_it_was_and_where_it_was_going() -> None:
    trail: Trail = [Spotted(0, found(100, 100)), Spotted(5, found(140, 100))]
    some = list(covers([trail], at_25(11)))
    for box in (found(140, 100).box, found(180, 100).box):
        assert any(holds(one.covered, box) for one in some[10])


boxes = st.builds(found, st.floats(0, 1200), st.floats(0, 680), st.floats(8, 80), st.floats(0.15, 1))


@given(st.lists(st.none() | st.lists(boxes, max_size=3), min_size=1, max_size=12))
def test_everything_found_is_in_exactly_one_trail_whatever_its_score(looks: list[list[Found] | None]) -> None:
    frames = Looks(at_25(len(looks)), looks)
    joined = trails(frames, WIDTH, HEIGHT)
    came = sorted((one.frame, one.found.box, one.found.score) for trail in joined for one in trail)
    assert came == sorted((n, one.box, one.score) for n, look in enumerate(looks) for one in look or ())
    assert all(a.frame < b.frame for trail in joined for a, b in pairwise(trail))


@given(st.lists(st.none() | st.lists(boxes, max_size=3), min_size=1, max_size=12))
def test_everything_found_is_covered_in_its_own_frame(looks: list[list[Found] | None]) -> None:
    frames = Looks(at_25(len(looks)), looks)
    for look, some in zip(looks, covers(trails(frames, WIDTH, HEIGHT), frames.times), strict=True):
        for one in look or ():
            assert any(holds(cover.covered, larger(one.box)) for cover in some)


@pytest.mark.parametrize(
    ("before", "after", "alike"),
    [
        ([], [], True),
        ([found(10, 10)], [found(14, 10)], True),
        ([found(10, 10)], [], False),
        ([], [found(10, 10)], False),
        ([found(10, 10)], [found(60, 10)], False),
        ([found(10, 10), found(300, 10)], [found(300, 12), found(11, 10)], True),
        ([found(10, 10), found(12, 10)], [found(11, 10)], False),
        ([found(10, 10)], [found(10, 10, label="person")], False),
    ],
)
def test_looks_agree_where_nothing_came_went_or_leapt(before: list[Found], after: list[Found], alike: bool) -> None:
    assert agree(before, after) is alike


def test_the_worst_frame_of_each_second_is_the_least_sure_one() -> None:
    looks: list[list[Found] | None] = [[found(100, 100, 30 + n / 10, 0.9 if n != 33 else 0.3)] for n in range(60)]
    frames = Looks(at_25(60), looks)
    worst = worst_of(frames, covers(trails(frames, WIDTH, HEIGHT), frames.times))
    assert [int(one.time_s) for one in worst] == [0, 1, 2]
    assert (worst[1].number, worst[1].counts, worst[1].smallest) == (33, {"face": 1}, (33, 33))
    assert worst[1].unsure == ["face found with a score of 0.30"]
    assert not worst[0].unsure


def test_a_held_place_is_less_sure_than_a_low_score_and_listed() -> None:
    looks: list[list[Found] | None] = [[found(100, 100, score=0.6 if n < 10 else 0.9)] for n in range(11)] + [[]] * 14
    frames = Looks(at_25(25), looks)
    (worst,) = worst_of(frames, covers(trails(frames, WIDTH, HEIGHT), frames.times))
    assert (worst.number, worst.unsure) == (11, ["1 held where nothing was found"])
