"""Repeated readings of one text become one span; merging is pure and the same for any order of arrival."""

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.sampling import plan_samples
from framefleet.media.types import PictureTime
from framefleet.protocol.ocr import OcrFrame, OcrReply, TextLine
from framefleet.schema.document import Crop
from framefleet.schema.text import TextSpan
from framefleet.stages.text.merge import merge
from framefleet.stages.text.spans import (
    PictureLines,
    edit_distance,
    same_text,
    spans_of,
)
from framefleet.timebase import Span
from framefleet.tracking.boxes import overlap

TOP, LEFT = (10.0, 10.0, 110.0, 30.0), (10.0, 200.0, 60.0, 220.0)
SAME = "same"


def line(text: str, confidence: float = 0.9, box: Any = TOP) -> TextLine:
    return TextLine(text, confidence, box)


def answer(index: int, lines: Any, fps: float = 1) -> tuple[list[PictureTime], OcrReply]:
    """`lines` as read; SAME for a picture like the one before; None for one that could not be read."""
    told = OcrFrame(index, index / fps, None if lines in (SAME, None) else lines, unchanged=lines == SAME)
    reply = OcrReply(model="m", model_id="id", device="cpu", frames=[told])
    return [PictureTime(index, index / fps, index / fps)], reply


def merged(*pictures: Any, fps: float = 1, crop: Crop | None = None) -> Any:
    """What comes of these pictures, one after the other; ... for one that was not answered."""
    samples = plan_samples(len(pictures) / fps, fps)
    given = [answer(index, lines, fps) for index, lines in enumerate(pictures) if lines is not ...]
    return merge(samples, given, crop, len(pictures) / fps, 1 / fps)


def test_a_text_is_one_span_from_its_first_picture_to_the_one_after_its_last() -> None:
    result = merged([], [line("Hello there")], [line("Hello there", 0.95)], [line("Other words")], [])
    assert result.spans == [
        TextSpan("Hello there", 1.0, 3.0, TOP, 0.95, 2),
        TextSpan("Other words", 3.0, 4.0, TOP, 0.9, 1),
    ]
    assert (result.read, result.unchanged, result.unknown) == (5, 0, 0)


def test_the_last_picture_lasts_to_the_end() -> None:
    assert merged([line("a word")], [line("a word")], fps=0.5).spans[0].end_s == 4.0


def test_of_different_readings_the_one_read_most_often_counts() -> None:
    slips = merged([line("Departures", 0.7)], [line("Depantures", 0.99)], [line("Departures", 0.8)])
    assert slips.spans == [TextSpan("Departures", 0.0, 3.0, TOP, 0.8, 3)]


def test_texts_in_different_places_are_two() -> None:
    result = merged([line("EXIT"), line("EXIT", box=LEFT)], [line("EXIT", box=LEFT), line("EXIT")])
    assert [(span.box, span.readings) for span in result.spans] == [(TOP, 2), (LEFT, 2)]


def test_a_text_that_moves_slowly_is_one_and_has_the_place_of_its_surest_reading() -> None:
    boxes = [(10.0 + 20 * n, 10.0, 110.0 + 20 * n, 30.0) for n in range(5)]
    result = merged(*([line("Moving on", 0.5 + 0.1 * (n == 2), box)] for n, box in enumerate(boxes)))
    assert result.spans == [TextSpan("Moving on", 0.0, 5.0, boxes[2], 0.6, 5)]


def test_a_text_overlooked_once_is_one_and_away_for_longer_is_two() -> None:
    assert [s.end_s for s in merged([line("a word")], [], [line("a word")]).spans] == [3.0]
    assert [s.end_s for s in merged([line("a word")], [], [], [line("a word")]).spans] == [1.0, 4.0]
    assert [s.end_s for s in merged(*[[line("a word")], [], [], [line("a word")]], fps=4).spans] == [1.0]


def test_a_picture_like_the_one_before_goes_on_and_counts_as_no_reading() -> None:
    result = merged([line("a word")], SAME, SAME, [], SAME)
    assert result.spans == [TextSpan("a word", 0.0, 3.0, TOP, 0.9, 1)]
    assert (result.read, result.unchanged, result.unknown) == (2, 3, 0)


@pytest.mark.parametrize("lost", [..., None])
def test_what_is_like_a_picture_that_is_not_known_is_not_known_either(lost: Any) -> None:
    result = merged([line("a word")], lost, SAME, SAME, [line("a word")])
    assert [(span.start_s, span.end_s) for span in result.spans] == [(0.0, 1.0), (4.0, 5.0)]
    assert (result.read, result.unchanged, result.unknown) == (2, 0, 3)


def test_how_a_text_lies_moves_with_its_box() -> None:
    upside_down = TextLine("a word", 0.9, (10.0, 10.0, 110.0, 30.0), ((110.0, 30.0), (10, 30), (10, 10), (110, 10)))
    (span,) = merged([upside_down], crop=Crop(100, 50, 300, 300)).spans
    assert span.box == (110.0, 60.0, 210.0, 80.0)
    assert span.quad == ((210.0, 80.0), (110.0, 80.0), (110.0, 60.0), (210.0, 60.0))
    assert merged([line("a word")]).spans[0].quad is None


def test_boxes_move_from_the_crop_to_the_source() -> None:
    assert merged([line("a word")], crop=Crop(100, 50, 300, 300)).spans[0].box == (110.0, 60.0, 210.0, 80.0)


def by_keyframes(*told: tuple[float, Any], duration: float | None = None) -> Any:
    """What comes of samples a second apart, each as the time of the nearest keyframe and what was read in it."""
    given = [
        ([PictureTime(k, float(k), begins)], answer(k, lines)[1])
        for k, (begins, lines) in enumerate(told)
        if lines != ...
    ]
    length = float(len(told)) if duration is None else duration
    return merge(plan_samples(len(told), 1), given, None, length, 1.0, "keyframes")


def test_a_keyframe_is_one_reading_at_its_own_time_and_lasts_for_a_sample() -> None:
    """Keyframes at 0, 2 and 27 s: the text was seen at 2 s, and whether for longer is not known."""
    shown = [(0.0, [])] + [(0.0, SAME)] + [(2.0, [line("a word")])] * 2 + [(2.0, SAME)] * 11 + [(27.0, [])] * 15
    result = by_keyframes(*shown)
    assert result.spans == [TextSpan("a word", 2.0, 3.0, TOP, 0.9, 1)]
    assert (result.read, result.unchanged, result.unknown) == (18, 12, 0)


def test_a_text_in_one_keyframe_after_the_other_is_on_screen_in_between() -> None:
    shown = [(0.0, [line("a word")])] * 5 + [(10.0, [line("a word")])] + [(10.0, SAME)] * 9 + [(20.0, SAME)] * 5
    assert by_keyframes(*shown).spans == [TextSpan("a word", 0.0, 20.0, TOP, 0.9, 2)]


def test_keyframes_nearer_than_samples_last_until_the_next() -> None:
    shown = [(0.0, [line("a word")]), (1.4, [line("a word")]), (1.8, []), (3.2, [line("a word")])]
    assert [(s.start_s, s.end_s) for s in by_keyframes(*shown, duration=3.5).spans] == [(0.0, 1.8), (3.2, 3.5)]


def test_a_text_overlooked_in_a_keyframe_among_near_ones_is_one_and_among_far_ones_two() -> None:
    for step, spans in ((0.5, 1), (10.0, 2)):
        shown = [(0.0, [line("a word")]), (step, []), (2 * step, [line("a word")]), (3 * step, [])]
        assert len(by_keyframes(*shown, duration=40.0).spans) == spans


def test_a_keyframe_that_was_read_for_one_of_its_samples_is_known() -> None:
    shown = [(0.0, ...), (0.0, [line("a word")]), (0.0, SAME), (6.0, ...), (6.0, SAME), (6.0, [line("a word")])]
    result = by_keyframes(*shown, duration=8.0)
    assert [(s.start_s, s.end_s, s.readings) for s in result.spans] == [(0.0, 7.0, 2)]
    assert (result.read, result.unchanged, result.unknown) == (2, 1, 3)
    late = by_keyframes((0.0, [line("a word")]), (4.0, SAME), (4.0, [line("other")]))
    assert [(s.text, s.start_s) for s in late.spans] == [("a word", 0.0), ("other", 4.0)]


@given(st.lists(st.tuples(st.sampled_from([[], [line("a word")], [line("other")]]), st.integers(1, 4)), max_size=6))
def test_a_frame_that_stays_on_is_on_screen_whenever_it_was_asked_for(frames: list[tuple[Any, int]]) -> None:
    """By exact sampling: told the same whether each sample had a frame of its own or shares one."""
    told = [(lines, begins) for begins, (lines, samples) in enumerate(frames) for _ in range(samples)]
    replies = [answer(k, lines)[1] for k, (lines, _) in enumerate(told)]
    moving = [([PictureTime(k, float(k), float(k))], reply) for k, reply in enumerate(replies)]
    still = [([PictureTime(k, float(k), float(told.index(told[k])))], reply) for k, reply in enumerate(replies)]
    samples = plan_samples(len(told), 1)
    assert merge(samples, still, None, len(told), 1.0) == merge(samples, moving, None, len(told), 1.0)


words = st.sampled_from(["Hello", "Hallo", "World", "12:30", "12:31", "a longer line of text", "a longer line of fext"])
boxes = st.sampled_from([TOP, LEFT, (12.0, 11.0, 112.0, 31.0), (5.0, 5.0, 5.0, 5.0)])
lines = st.lists(st.builds(TextLine, words, st.floats(0, 1), boxes), max_size=5)
shown = st.one_of(lines, st.just(SAME), st.just(None), st.just(...))


@given(st.lists(shown, max_size=12), st.randoms(use_true_random=False))
def test_merging_is_independent_of_order_and_loses_no_reading(pictures: list[Any], random: Any) -> None:
    samples = plan_samples(len(pictures), 1)
    given_lines = [(index, told) for index, told in enumerate(pictures) if told is not ...]
    result = merge(samples, [answer(*one) for one in given_lines], None, len(pictures), 1.0)
    random.shuffle(given_lines)
    mixed = [(index, told if told in (SAME, None) else random.sample(told, len(told))) for index, told in given_lines]
    again = merge(samples, [answer(*one) for one in mixed + mixed[:3]], None, len(pictures), 1.0)
    assert again == result
    read = [told for told in pictures if isinstance(told, list)]
    assert sum(span.readings for span in result.spans) == sum(map(len, read))
    assert result.read + result.unchanged + result.unknown == len(pictures)
    assert all(0 <= span.start_s < span.end_s <= len(pictures) for span in result.spans)
    assert result.spans == sorted(result.spans, key=lambda span: span.start_s)


@given(st.lists(st.lists(st.builds(line, words), max_size=1), max_size=8))
def test_taking_over_is_as_good_as_reading_again(read: list[list[TextLine]]) -> None:
    """Each picture is shown twice: read twice, or once and then taken over."""
    twice = [PictureLines(n / 2, (n + 1) / 2, (n + 1) / 2, tuple(read[n // 2])) for n in range(2 * len(read))]
    once = [replace(one, lines=None) if n % 2 else one for n, one in enumerate(twice)]
    found = [[(s.text, s.start_s, s.end_s) for s in spans_of(shown)] for shown in (once, twice)]
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Departures", "Depantures", True),
        ("Mind the gap", "MIND THE GAP", True),
        ("a longer line", "alongerline", True),
        ("left", "lift", False),
        ("12:30:05", "12:30:06", False),
        ("Page 1", "Page 2", False),
        ("Total: 12", "Totai: 12", True),
        ("Hello", "World", False),
        ("", "", True),
    ],
)
def test_which_texts_are_readings_of_one(one: str, other: str, same: bool) -> None:
    assert same_text(one, other) is same_text(other, one) is same


short = st.text(string.ascii_lowercase[:3], max_size=6)


@given(short, short, short)
def test_edit_distance(a: str, b: str, c: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) >= abs(len(a) - len(b))
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert edit_distance(a, a[:2] + "x" + a[2:]) == 1 == edit_distance(a + "x", a + "y")


def test_overlap() -> None:
    assert overlap(TOP, TOP) == 1
    assert overlap(TOP, (60.0, 10.0, 160.0, 30.0)) == pytest.approx(1 / 3)
    assert overlap(TOP, LEFT) == overlap((5.0, 5.0, 5.0, 5.0), (5.0, 5.0, 5.0, 5.0)) == 0


def test_a_text_is_not_assumed_between_parts_that_were_looked_at() -> None:
    samples = plan_samples(60.0, 1, parts=(Span(0.0, 2.0), Span(50.0, 52.0)))
    frames = [OcrFrame(0, 0.0, (line("SALE"),)), *(OcrFrame(n, 0.0, None, unchanged=True) for n in (1, 2, 3))]
    times = [PictureTime(sample.index, sample.time_s, sample.time_s) for sample in samples]
    reply = OcrReply(model="m", model_id="i", device="cpu", frames=frames)
    found = merge(samples, [(times, reply)], None, 60.0, 1.0).spans
    assert [(span.text, span.start_s, span.end_s) for span in found] == [("SALE", 0.0, 2.0), ("SALE", 50.0, 52.0)]
