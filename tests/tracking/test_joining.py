"""Boxes of one object are joined at any rate, across misses, and by more than where the nearest one is."""

import itertools

import pytest

from framefleet.tracking.join import again
from tests.tracking.make import HEIGHT, WIDTH, film, frame, line, places, thing


@pytest.mark.parametrize("fps", [1, 5, 25])
@pytest.mark.parametrize("speed", [0, 40, 120])
def test_things_keep_their_ids_at_any_rate(fps: int, speed: float) -> None:
    ways = [
        line(100, 100 + 150 * k, speed * (-1) ** k, 5) if k % 2 == 0 else line(1100, 100 + 150 * k, -speed, 5)
        for k in range(4)
    ]
    assert places(film(ways, 8, fps)) == [[(index, k) for index in range(8)] for k in range(4)]


def test_things_that_cross_keep_their_ids_though_boxes_overlap() -> None:
    """Each is nearer to the other's next place than to its own at the crossing; only velocities tell them apart."""
    crossing = film([line(200, 300, 110, 8), line(1190, 380, -110, -8)], 10)
    assert places(crossing) == [[(index, k) for index in range(10)] for k in range(2)]


def test_the_next_frame_tells_what_the_nearest_box_does_not() -> None:
    """A row of like things that moves on by 70 % of its spacing a frame: the nearest box is always the wrong one."""
    centres = [[x + 140 * k for x in (-500, -300, -100, 100, 300) if 0 < x + 140 * k < 1280] for k in range(8)]
    for chain in places([frame(k, [thing(x, 300) for x in there]) for k, there in enumerate(centres)]):
        way = [centres[k][column] for k, column in chain]
        assert [b - a for a, b in itertools.pairwise(way)] == [140] * (len(way) - 1)


def test_a_miss_or_two_do_not_end_a_chain_but_long_absence_does() -> None:
    frames = film([line(640, 360, 0, 0)], 20)
    for index in (3, 4, *range(8, 16)):
        frames[index] = frame(index, [])
    assert [[at for at, _ in chain] for chain in places(frames)] == [[0, 1, 2, 5, 6, 7], [16, 17, 18, 19]]


def test_a_low_box_goes_on_with_a_chain_and_begins_none() -> None:
    frames = film([line(300, 300, 20, 0)], 5)
    frames[2] = frame(2, [thing(340, 300, confidence=0.16), thing(900, 600, confidence=0.2)])
    assert places(frames) == [[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)]]


def test_many_boxes_a_frame_are_joined() -> None:
    ways = [line(60 + 128 * (k % 10), 35 + 71 * (k // 10), 0, 0) for k in range(100)]
    assert [len(chain) for chain in places(film(ways, 25, 25))] == [25] * 100


@pytest.mark.parametrize("box", [(-90, 0, 2000, 900), (0, 0, 1280, 720), (0, 200, 700, 720), (100, 50, 1200, 700)])
def test_what_fills_the_frame_is_one_thing(box: tuple[float, float, float, float]) -> None:
    assert len(places([frame(k, [(box, 0.9, 0)]) for k in range(4)])) == 1


def test_a_box_of_no_size_does_no_harm() -> None:
    assert len(places([frame(k, [((5.0, 5.0, 5.0, 5.0), 0.9, 0)]) for k in range(3)])) == 1


def test_two_detections_on_one_frame_are_paired_in_whatever_order() -> None:
    one = frame(0, [thing(300, 300), thing(420, 300, class_id=1), thing(900, 600)])
    other = frame(0, [thing(420.3, 299.8, class_id=1), thing(299.9, 300.2)])
    assert again(one.seen, other.seen, WIDTH * HEIGHT) == [(0, 1), (1, 0)]
