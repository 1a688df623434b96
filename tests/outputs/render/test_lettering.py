"""Letters are drawn as they are read, or not at all."""

from typing import Literal

import pytest

from framefleet.outputs.palette import colour
from framefleet.outputs.render.colours import (
    BLACK,
    GREY,
    WHITE,
    from_rgb,
    ink_on,
)
from framefleet.outputs.render.lettering import (
    is_whole,
    legible,
    letters,
    patch,
)
from framefleet.outputs.render.overlay import DrawnBox
from framefleet.outputs.render.paint import name_of
from framefleet.outputs.render.subtitle_plan import SubtitlePlan, can_be_drawn
from framefleet.results.query.cues import Cue


@pytest.mark.parametrize(
    "text", ["person #3 0.87", "Größe, naïve – “no”?", "Жизнь", "Ελλάδα", "中文 日本語 あい", "한국"]
)
def test_what_opencv_has_letters_for_is_drawn(text: str) -> None:
    assert legible(text) == text


@pytest.mark.parametrize("text", ["שלום", "سلام", "नमस्ते", "ไทย", "hello שלום"])
def test_what_it_cannot_write_as_it_is_read_is_not(text: str) -> None:
    assert legible(text) is None
    assert not can_be_drawn(Cue(0, 1, ("fine", text)))
    assert not is_whole(text)


def test_pictures_and_controls_are_left_out() -> None:
    assert legible("a 🙂 b\x1b[0m\u200b") == "a b[0m"
    assert legible("so good 👍") == legible("so good ❤\ufe0f") == "so good"


@pytest.mark.parametrize(
    ("text", "whole"),
    [("plain", True), ("cafe\u0301\u200b", True), ("two\nlines", True), ("so good 👍", False), ("❤\ufe0f", False)],
)
def test_whether_all_that_is_seen_of_a_text_can_be_drawn(text: str, whole: bool) -> None:
    assert is_whole(text) == whole
    assert legible("cafe\u0301") == "café"


PLAIN, SIGN, OTHER = Cue(0, 1, ("Hello",)), Cue(1, 2, ("so good 👍",)), Cue(2, 3, ("नमस्ते",))


def test_one_subtitle_that_cannot_be_drawn_leaves_the_others_in_the_picture() -> None:
    spoken = SubtitlePlan([PLAIN, SIGN, OTHER], "draw")
    assert (spoken.drawn, spoken.track) == ((PLAIN, SIGN), (OTHER,))
    assert spoken.summary == "subtitles drawn, 1 of 3 as a track"
    assert spoken.notes == [
        "1 of 3 subtitles are a subtitle track instead: they have letters that cannot be drawn",
        "1 of 3 subtitles are drawn without symbols that the font lacks",
    ]


@pytest.mark.parametrize(
    ("cues", "way", "told"),
    [
        ([PLAIN], "draw", "subtitles drawn"),
        ([OTHER], "draw", "subtitles as a track"),
        ([PLAIN, SIGN, OTHER], "track", "subtitles as a track"),
        ([PLAIN], "none", "no subtitles"),
        ([], "draw", "no subtitles"),
    ],
)
def test_subtitles_are_told_of_in_words(cues: list[Cue], way: Literal["draw", "track", "none"], told: str) -> None:
    spoken = SubtitlePlan(cues, way)
    assert spoken.summary == told
    assert bool(spoken.notes) == (cues == [OTHER])


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
    for place in range(30):
        plate = from_rgb(colour(place))
        assert abs(ink_on(plate).y - plate.y) > 80
        assert ink_on(plate) in (BLACK, WHITE)


@pytest.mark.parametrize(
    ("label", "track", "certain", "name"),
    [
        ("person", 3, True, "person #3 0.87"),
        ("person", 3, False, "person #3? 0.87"),
        ("person", None, True, "person 0.87"),
        ("חתול", 3, True, "class 15 #3 0.87"),
        ("🐈", None, True, "class 15 0.87"),
        ("x" * 10_000, None, True, "x" * 40 + " 0.87"),
    ],
)
def test_names(label: str, track: int | None, certain: bool, name: str) -> None:
    assert name_of(DrawnBox(label, 15, 0.87, (0, 0, 1, 1), track, certain, True)) == name
