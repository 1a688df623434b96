"""Covering a part of a frame: all of it, nothing around it, and nothing left to tell of what was there."""

import numpy as np
import pytest
from av.video.frame import VideoFrame
from hypothesis import given
from hypothesis import strategies as st

from framefleet.outputs.redaction.options import Style
from framefleet.outputs.redaction.paint import cells, cover, outward
from framefleet.outputs.render.canvas import pixels

STYLES: list[Style] = ["blur", "pixelate", "box"]


def noisy(width: int = 160, height: int = 120) -> VideoFrame:
    rng = np.random.default_rng(3)
    return VideoFrame.from_ndarray(rng.integers(0, 256, (height * 3 // 2, width), np.uint8), format="yuv420p")


def planes(frame: VideoFrame) -> list[np.ndarray]:
    return [pixels(plane).copy() for plane in frame.planes]


@pytest.mark.parametrize("style", STYLES)
def test_all_of_the_box_is_coarse_and_nothing_around_it_changes(style: Style) -> None:
    frame = noisy()
    before = planes(frame)
    cover(frame, (21.0, 31.0, 100.5, 90.0), style)
    for scale, was, now in zip((1, 2, 2), before, planes(frame), strict=True):
        part = np.s_[30 // scale : 90 // scale, 20 // scale : 102 // scale]
        changed = now != was
        inside = changed[part].copy()
        changed[part] = False
        assert not changed.any()
        assert inside.mean() > 0.95  # a few grains have the very colour
        steps = np.abs(np.diff(now[part].astype(int), axis=1))
        assert steps.mean() < 8 < np.abs(np.diff(was[part].astype(int), axis=1)).mean()


def test_a_black_box_leaves_one_colour() -> None:
    frame = noisy()
    cover(frame, (-50.0, -50.0, 500.0, 500.0), "box")
    assert [np.unique(plane).tolist() for plane in planes(frame)] == [[16], [128], [128]]


@pytest.mark.parametrize("box", [(200.0, 10.0, 300.0, 50.0), (-90.0, 0.0, -10.0, 50.0), (30.0, 30.0, 30.0, 30.0)])
def test_a_box_outside_of_the_frame_or_without_size_covers_nothing(box: tuple[float, float, float, float]) -> None:
    frame = noisy()
    before = planes(frame)
    cover(frame, box, "blur")
    assert all((a == b).all() for a, b in zip(before, planes(frame), strict=True))


@given(st.floats(-50, 200), st.floats(-50, 200), st.floats(0, 200), st.floats(0, 200))
def test_the_even_box_holds_all_of_the_box_that_is_in_the_frame(x: float, y: float, wide: float, high: float) -> None:
    x1, y1, x2, y2 = outward((x, y, x + wide, y + high), 160, 120)
    assert not any(side % 2 for side in (x1, y1, x2, y2))
    assert x1 <= max(x, 0)
    assert y1 <= max(y, 0)
    assert x2 >= min(x + wide, 160)
    assert y2 >= min(y + high, 120)


def test_no_more_than_six_colours_are_left_across_a_face_and_fewer_across_a_small_one() -> None:
    assert cells(300, 200) == (6, 4)
    assert cells(24, 32) == (3, 4)
    assert cells(4, 4) == (1, 1)
