"""Which pictures are read: a pure matter of each and the one before it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefleet.media.sampling import plan_samples
from framefleet.media.types import (
    Gap,
    Picture,
    PictureTime,
    Sample,
)
from framefleet.media.video.request import Pixels
from framefleet.stages.text.changed import (
    AGAIN_S,
    ChangeFilter,
    ComparedPicture,
    luma_of,
    luma_of_pixels,
    text_changed,
    to_see,
)

from .pictures import Rgb, jpeg, plate


def letters(picture: Rgb, word: str, left: int = 40, top: int = 40, shade: int = 250) -> Rgb:
    """Strokes as dense as letters have them, their pattern the letters' own bits, 12 pixels each."""
    for place, letter in enumerate(word):
        bits = (ord(letter) >> np.arange(6)) & 1
        cell = np.kron(np.stack([bits, 1 - bits] * 4), np.ones((3, 2))).astype(bool)
        picture[top : top + 24, left + 16 * place : left + 16 * place + 12][cell] = shade
    return picture


def picture(index: int, data: bytes, fps: float = 1) -> Picture:
    return Picture(PictureTime(index, index / fps, index / fps), data)


def read(pieces: list[Picture | Gap]) -> list[bool]:
    """Which of them one filter lets through."""
    watching = ChangeFilter()
    return [watching.see(piece) for piece in pieces]


PAGES = [jpeg(letters(plate(640, 360), word)) for word in ("Page 1 of 9", "Page 2 of 9", "")]


def test_a_picture_is_read_when_its_text_changes() -> None:
    order = [0, 0, 0, 1, 1, 2, 2]
    shown: list[Picture | Gap] = [picture(index, PAGES[page]) for index, page in enumerate(order)]
    assert read(shown) == [True, False, False, True, False, True, False]


def test_what_coding_does_to_a_still_picture_is_no_change() -> None:
    still = letters(plate(640, 360), "Page 1 of 9")
    noise = np.random.default_rng(0).normal(0, 1, still.shape)
    noisy = np.clip(still + noise, 0, 255).astype(np.uint8)
    assert read([picture(0, jpeg(still)), picture(1, jpeg(noisy))]) == [True, False]


def test_what_moves_and_is_no_text_is_no_change() -> None:
    shown: list[Picture | Gap] = []
    for index in range(4):
        scene = letters(plate(640, 360), "Caption")
        scene[150:300, 100 + 60 * index : 250 + 60 * index] = 160  # a smooth body
        shown.append(picture(index, jpeg(scene)))
    assert read(shown) == [True, False, False, False]


@given(st.integers(16, 200), st.integers(16, 200))
def test_pictures_of_any_size_are_compared(width: int, height: int) -> None:
    """Also where a picture is one pixel wider than whole blocks, such as what 854 × 480 is compared at."""
    still = np.random.default_rng(0).integers(0, 255, (height, width), np.uint8)
    assert not text_changed(ComparedPicture(still), ComparedPicture(still.copy()))
    assert text_changed(ComparedPicture(still), ComparedPicture(255 - still))


def test_one_of_every_ten_seconds_is_read_whatever_it_shows() -> None:
    fps = 2.0
    shown: list[Picture | Gap] = [picture(index, PAGES[0], fps) for index in range(50)]
    assert [place / fps for place, wanted in enumerate(read(shown)) if wanted] == [0, AGAIN_S, 2 * AGAIN_S]


def test_what_follows_a_gap_is_read() -> None:
    gap = Gap(Sample(1, Fraction(1)), "damaged")
    assert read([picture(0, PAGES[0]), gap, picture(2, PAGES[0])]) == [True, False, True]
    assert read([picture(0, PAGES[0]), picture(2, PAGES[0])]) == [True, True]


@pytest.mark.full
@settings(max_examples=60)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=24), st.data())
def test_a_run_that_is_resumed_reads_what_one_run_reads(order: list[int], data: st.DataObject) -> None:
    """Whatever is answered already: the rest and its predecessors are enough to see."""
    shown = [picture(index, PAGES[page]) for index, page in enumerate(order)]
    whole = read(list(shown))
    samples = plan_samples(len(order), 1)
    left = [sample for sample in samples if data.draw(st.booleans())]
    again = to_see(left, samples)
    wanted = dict(zip((s.index for s in again), read([shown[s.index] for s in again]), strict=True))
    assert {s.index: wanted[s.index] for s in left} == {s.index: whole[s.index] for s in left}


@given(st.sampled_from([0.5, 1, 12.5, 29.97]), st.sets(st.integers(0, 50)))
def test_predecessors_are_the_plans_own_samples(fps: float, indices: set[int]) -> None:
    samples = plan_samples(60 / fps, fps)
    left = [sample for sample in samples if sample.index in indices]
    seen = to_see(left, samples)
    assert set(left) <= set(seen) <= set(samples)
    assert seen == sorted(seen, key=lambda sample: sample.index)
    assert {s.index for s in seen} == {i for s in left for i in (s.index, s.index - 1) if i >= 0}


@pytest.mark.parametrize("size", [(1, 1), (7, 30), (33, 17), (360, 640)])
def test_any_size_can_be_compared(size: tuple[int, int]) -> None:
    luma = np.random.default_rng(1).integers(0, 255, size, np.uint8)
    assert not text_changed(ComparedPicture(luma), ComparedPicture(luma))
    assert text_changed(ComparedPicture(luma), ComparedPicture(luma[:, :-1]))


def test_pictures_are_compared_small() -> None:
    assert luma_of(jpeg(plate(1280, 720))).shape == (360, 640)
    assert luma_of(jpeg(plate(200, 100))).shape == (100, 200)


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (200, 100), (3, 500), (1081, 725)])
def test_pixels_are_compared_as_their_jpeg_is(size: tuple[int, int]) -> None:
    width, height = size
    shown = plate(width, height)
    luma = luma_of_pixels(shown)
    side = max(1, min(size) // 360)
    assert luma.shape == (height // side, width // side)
    assert np.abs(luma.mean() - luma_of(jpeg(shown)).mean()) < 2


def test_pixels_are_read_where_letters_change_and_a_frame_only_once() -> None:
    still, other = letters(plate(640, 360), "ONE"), letters(plate(640, 360), "TWO")
    shown = [still, still, still.copy(), other, other]
    pieces = [Pixels(PictureTime(n, float(n), float(n)), rgb) for n, rgb in enumerate(shown)]
    watching = ChangeFilter()
    assert [watching.see(piece) for piece in pieces] == [True, False, False, True, False]


@pytest.mark.parametrize("scale", [0.5, 0.7, 1.2])
def test_another_letter_of_drawn_text_is_seen(scale: float) -> None:
    from .pictures import write

    before, after = (jpeg(write(plate(1280, 720), f"Total 12{n}.50 EUR", (300, 300), scale)) for n in (7, 8))
    assert read([picture(0, before), picture(1, after), picture(2, after)]) == [True, True, False]
