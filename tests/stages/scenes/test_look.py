"""Two pictures are of different scenes where both their colours and where these are differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.stages.scenes.keyframes import look_at, of_two_scenes
from tests.stages.scenes.shots import look

CLOUDS = st.integers(0, 9)


def differ(one, other):
    return of_two_scenes(look_at(one), look_at(other))


def test_two_things_differ():
    assert all(differ(look(a), look(b)) for a in range(4) for b in range(a))


def test_the_same_colours_elsewhere_are_the_same_scene():
    picture = look(1)
    turned = np.ascontiguousarray(picture[::-1, ::-1])
    assert abs(look_at(picture).places - look_at(turned).places).mean() > 18
    assert not differ(picture, turned)


@pytest.mark.parametrize("brighter", [-40, -30, 30, 40])
def test_other_light_is_the_same_scene(brighter):
    """No pixel keeps its colour, of 512, but all is where it was, a little brighter or darker."""
    one, other = np.full((54, 96, 3), 112, np.uint8), np.full((54, 96, 3), 112 + brighter, np.uint8)
    assert not np.minimum(look_at(one).colours, look_at(other).colours).any()
    assert not differ(one, other)


@given(CLOUDS, CLOUDS, st.integers(0, 200))
def test_it_is_the_same_either_way_round(a, b, pan):
    one, other = look(a), look(b, pan)
    assert differ(one, other) == differ(other, one)
    assert not differ(other, other)


@pytest.mark.parametrize("shape", [(1, 96), (96, 1), (3, 5)])
def test_pictures_of_any_shape_are_compared(shape):
    assert differ(np.zeros((*shape, 3), np.uint8), np.full((*shape, 3), 255, np.uint8))
