"""Where a video's packets are cut, on packets that are only told of."""

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.types import Sample
from framefleet.media.video.gop import (
    Gop,
    GopWindow,
    Remainder,
    gop_windows,
    gops,
)
from framefleet.media.video.request import JpegView
from framefleet.media.video.view import Want
from framefleet.media.video.work import DecodePlan, FrameClock, keyframe_tasks

CLOCK = FrameClock(Fraction(1, 10), Fraction(0))


@dataclass(frozen=True)
class Told:
    """A packet as far as cutting looks at it."""

    pts: int | None
    is_keyframe: bool = False
    size: int = 10
    is_corrupt: bool = False
    is_discard: bool = False


def cut(packets, **options):
    options = {"stop": lambda: False} | options
    return list(gops(((packet, False) for packet in packets), lambda packet: packet.is_keyframe, **options))


def times(parts):
    return [[packet.pts for packet, _ in part.steps] for part in parts]


def gop(*pts):
    return [Told(pts[0], is_keyframe=True), *map(Told, pts[1:])]


def test_closed_groups_are_cut_apart():
    assert times(cut(gop(0, 2, 1) + gop(3, 5, 4) + gop(6))) == [[0, 2, 1], [3, 5, 4], [6]]


def shown(parts):
    return [part.shown for part in parts]


def test_what_leads_an_open_group_is_shown_by_the_one_before():
    parts = cut(gop(0, 1, 2) + gop(5, 3, 4, 6) + gop(7, 8))
    assert times(parts) == [[0, 1, 2], [5, 3, 4, 6], [7, 8]]
    assert shown(parts) == [[0, 1, 2, 3, 4], [5, 6], [7, 8]]
    assert [packet.pts for packet, _ in parts[1].head] == [5, 3, 4]


def test_codecs_without_open_groups_have_nothing_that_leads():
    assert times(cut(gop(0, 1) + gop(4, 2, 3) + gop(5), may_lead=False)) == [[0, 1, 4, 2, 3], [5]]


def test_second_fields_without_times_go_with_the_first():
    parts = cut(gop(0, None, 1, None) + gop(4, None, 2, None, 3, None, 5, None))
    assert shown(parts) == [[0, 1, 2, 3], [4, 5]]
    assert [packet.pts for packet, _ in parts[1].head] == [4, None, 2, None, 3, None]


def test_pictures_that_lead_and_do_not_come_together_are_no_place_to_cut():
    assert times(cut(gop(0, 1) + gop(4, 2, 5, 3) + gop(6))) == [[0, 1, 4, 2, 5, 3], [6]]


def test_a_group_shown_before_the_end_of_the_one_before_is_no_place_to_cut():
    assert times(cut(gop(0, 5) + gop(4, 2, 3) + gop(6))) == [[0, 5, 4, 2, 3], [6]]


def test_times_that_go_back_are_no_place_to_cut():
    assert times(cut(gop(0, 1, 2) + gop(0, 1, 2) + gop(3))) == [[0, 1, 2, 0, 1, 2], [3]]


def test_a_group_whose_first_picture_has_no_time_is_no_place_to_cut():
    assert times(cut(gop(0, 1) + gop(None, 3) + gop(4))) == [[0, 1, None, 3], [4]]


def test_once_told_to_stop_the_rest_comes_in_one():
    asked = []
    parts = cut(gop(0, 1) + gop(2, 3) + gop(4, 5) + gop(6, 7), stop=lambda: asked.append(1) or len(asked) > 5)
    assert isinstance(parts[-1], Remainder)
    assert [pts for part in times(parts) for pts in part] == list(range(8))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=40), st.integers(0, 60))
def test_no_packet_is_lost_or_moved(made, stop_after):
    packets = [Told(pts, is_keyframe=key) for key, pts in made]
    asked = []
    parts = cut(packets, stop=lambda: asked.append(1) or len(asked) > stop_after)
    assert [packet for part in parts for packet, _ in part.steps] == packets


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=8), st.integers(0, 60))
def test_each_picture_of_open_groups_is_shown_by_one_stretch(groups, stop_after):
    packets, now = [], 0
    for leading, following in groups:
        packets += gop(now + leading, *range(now, now + leading), *range(now + leading + 1, now + leading + following))
        now += leading + max(following, 1)
    asked = []
    parts = cut(packets, stop=lambda: asked.append(1) or len(asked) > stop_after)
    whole = [part for part in parts if isinstance(part, Gop)]
    tail = sorted(packet.pts for part in parts[len(whole) :] for packet, _ in part.steps)
    told = [pts for part in whole for pts in part.shown]
    assert told == sorted(told)
    assert sorted({*told, *tail}) == list(range(now))
    assert not whole or len(told) == len(set(told))


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=8),
    st.lists(st.integers(0, 500), max_size=30).map(sorted),
    st.integers(0, 60),
)
def test_each_sample_is_in_the_task_whose_pictures_are_on_screen(lengths, at, stop_after):
    begins = [sum(lengths[:n]) for n in range(len(lengths))]
    packets = [p for begin, length in zip(begins, lengths, strict=True) for p in gop(*range(begin, begin + length))]
    wants = [Want(Fraction(t, 100), 0, JpegView(None, 90), Sample(i, Fraction(t, 100))) for i, t in enumerate(at)]
    asked = []
    parts = cut(packets, stop=lambda: asked.append(1) or len(asked) > stop_after)
    tasks = DecodePlan(gop_windows(parts), iter(wants), CLOCK)
    got = []
    for task in tasks:
        shown = task.window.here.shown
        assert all(CLOCK.time(shown[0]) <= want.time for want in task.wants)
        if task.window.after is not None:
            assert all(want.time < CLOCK.time(task.window.after.shown[0]) for want in task.wants)
        got += task.wants
    assert got + (list(tasks.rest[1]) if tasks.rest else []) == wants


@given(st.lists(st.integers(0, 100), max_size=8, unique=True), st.lists(st.integers(0, 1000), max_size=30).map(sorted))
def test_each_sample_gets_the_keyframe_nearest_to_it(keys, at):
    steps = [(Told(pts, is_keyframe=True), False) for pts in sorted(keys)]
    wants = [Want(Fraction(t, 100), 0, JpegView(None, 90), Sample(i, Fraction(t, 100))) for i, t in enumerate(at)]
    served = [(want, task.window.here) for task in keyframe_tasks(steps, wants, CLOCK) for want in task.wants]
    assert [want for want, _ in served] == wants
    for want, here in served:
        distances = [abs(CLOCK.time(pts) - want.time) for pts in keys]
        assert abs(CLOCK.time(here.shown[0]) - want.time) == min(distances) if keys else not here.shown


def test_a_window_knows_its_neighbours():
    one, two, three = (Gop(steps=[(Told(n), False)]) for n in range(3))
    got = list(gop_windows([one, two, three]))
    assert got == [
        GopWindow(None, one, two, False),
        GopWindow(one, two, three, False),
        GopWindow(two, three, None, True),
    ]
