"""Letters are drawn as they are read, or not at all."""

import numpy as np
import pytest

from framefleet.results.render.colours import BLACK, GREY, WHITE, colour_of, ink_on
from framefleet.results.render.cues import Cue
from framefleet.results.render.lettering import legible, letters, patch
from framefleet.results.render.moment import Shown
from framefleet.results.render.paint import can_be_said, name_of


@pytest.mark.parametrize(
    "text", ["person #3 0.87", "Größe, naïve – “no”?", "Жизнь", "Ελλάδα", "中文 日本語 あい", "한국"]
)
def test_what_opencv_has_letters_for_is_drawn(text: str) -> None:
    assert legible(text) == text


@pytest.mark.parametrize("text", ["שלום", "سلام", "नमस्ते", "ไทย", "hello שלום"])
def test_what_it_cannot_write_as_it_is_read_is_not(text: str) -> None:
    assert legible(text) is None
    assert not can_be_said(Cue(0, 1, ("fine", text)))


def test_pictures_and_controls_are_left_out() -> None:
    assert legible("a 🙂 b\x1b[0m\u200b") == "a b[0m"


def test_a_patch_has_even_sides_and_ink_on_its_plate() -> None:
    for text in ("i", "a longer text", ""):
        made = patch(text, 15, WHITE, GREY)
        height, width = made.y.shape
        assert (height % 2, width % 2) == (0, 0)
        assert made.u.shape == made.v.shape == (height // 2, width // 2)
        assert made.y[0, 0] == GREY.y
        assert (made.y.max() > 200) == bool(text)


def test_no_letter_is_cut_off() -> None:
    for size in (10, 24, 48):
        mask = letters("ÅÊgjpqy|中", size)
        assert not mask[0].any() and not mask[-1].any() and not mask[:, 0].any() and not mask[:, -1].any()


def test_every_label_can_be_read_on_its_plate() -> None:
    for track in range(1, 200):
        plate = colour_of(track, "person")
        assert abs(ink_on(plate).y - plate.y) > 80
        assert ink_on(plate) in (BLACK, WHITE)


def test_neighbouring_tracks_differ() -> None:
    for track in range(1, 100):
        here, there = np.array(colour_of(track, "")), np.array(colour_of(track + 1, ""))
        assert abs(here - there).sum() > 60
    assert colour_of(None, "cat") != colour_of(None, "dog")
    assert colour_of(7, "cat") == colour_of(7, "dog")


@pytest.mark.parametrize(
    ("label", "track", "certain", "name"),
    [
        ("person", 3, True, "person #3 0.87"),
        ("person", 3, False, "person #3? 0.87"),
        ("person", None, True, "person 0.87"),
        ("חתול", 3, True, "#3 0.87"),
        ("x" * 10_000, None, True, "x" * 40 + " 0.87"),
    ],
)
def test_names(label: str, track: int | None, certain: bool, name: str) -> None:
    assert name_of(Shown(label, 0.87, (0, 0, 1, 1), track, certain, True)) == name
