import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cv2", reason="comes with framefleet[text]")

from framefleet.stages.text.worker.engines.rapid import (
    GREY,
    HEIGHT,
    LEAST_WIDTH,
    STEP,
    groups_of,
    strip_of,
)


@given(st.integers(1, 90), st.integers(1, 600))
def test_a_line_keeps_its_shape_and_is_filled_up_with_grey(height: int, width: int) -> None:
    strip = strip_of(np.full((height, width, 3), 200, np.uint8))
    inner = max(1, round(HEIGHT * width / height))
    assert strip.shape[0] == HEIGHT
    assert strip.shape[1] == max(LEAST_WIDTH, strip.shape[1] // STEP * STEP) >= inner
    assert (strip[:, :inner] == 200).all() and (strip[:, inner:] == GREY).all()


@given(st.lists(st.sampled_from([320, 384, 448]), max_size=40), st.integers(1, 9))
def test_groups_hold_every_strip_once_and_one_width_each(widths: list[int], most: int) -> None:
    groups = groups_of(widths, most)
    assert sorted(number for group in groups for number in group) == list(range(len(widths)))
    assert all(1 <= len(group) <= most and len({widths[number] for number in group}) == 1 for group in groups)
