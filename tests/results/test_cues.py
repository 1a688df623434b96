"""Subtitles: all that is said, a little at a time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from framefleet.results.query.cues import (
    LONGEST_S,
    cues_of,
    width,
    wrapped,
)
from framefleet.schema.speech import Segment, Transcription, Word

words = st.text(st.sampled_from("abc é中文あ"), min_size=1, max_size=30).map(lambda text: f" {text}")


def segment(start_s: float, end_s: float, text: str, spoken: list[Word] | None = None) -> Segment:
    return Segment(start_s, end_s, text, -0.1, 0.0, spoken or [])


@st.composite
def transcriptions(draw: st.DrawFn) -> Transcription:
    """Segments one after the other, with words or without."""
    segments, at_s = [], 0.0
    for said in draw(st.lists(st.lists(words, min_size=1, max_size=20), max_size=5)):
        begin_s, spoken = at_s, []
        for word in said:
            spoken.append(Word(at_s, at_s + 0.5, word, 1.0))
            at_s += draw(st.floats(0.1, 3))
        segments.append(segment(begin_s, at_s, "".join(said).strip(), draw(st.sampled_from([spoken, []]))))
    return Transcription("en", "", segments)


def letters(text: str) -> str:
    return "".join(text.split())


@given(transcriptions(), st.integers(8, 42))
def test_all_is_said_in_two_short_lines_one_cue_at_a_time(spoken: Transcription, columns: int) -> None:
    cues = cues_of(spoken, columns)
    assert letters("".join(cue.text for cue in cues)) == letters("".join(s.text for s in spoken.segments))
    assert all(len(cue.lines) <= 2 and all(width(line) <= columns for line in cue.lines) for cue in cues)
    assert all(cue.start_s < cue.end_s for cue in cues)
    assert all(here.end_s <= there.start_s for here, there in pairwise(cues))
    assert all(cues.at(cue.start_s) == cue and cues.at(cue.end_s) != cue for cue in cues)


def test_long_segments_are_cut_by_the_times_of_their_words() -> None:
    spoken = [Word(number * 1.0, number + 0.9, f" word{number}", 1.0) for number in range(20)]
    cues = cues_of(Transcription("en", "", [segment(0, 20, "", spoken)]))
    assert [cue.start_s for cue in cues] == [0.0, 7.0, 14.0]
    assert all(cue.end_s - cue.start_s <= LONGEST_S for cue in cues)


def test_without_words_a_segment_is_cut_evenly() -> None:
    cues = cues_of(Transcription("en", "", [segment(10, 20, "a sentence of many words " * 8)]))
    assert len(cues) > 2
    assert cues[0].start_s == 10
    assert all(here.end_s == there.start_s for here, there in pairwise(cues))


def test_words_are_told_with_their_times_where_they_are_known() -> None:
    spoken = [Word(1.0, 1.4, " It", 1.0), Word(1.4, 1.6, "'s", 1.0), Word(1.7, 2.0, "  here", 1.0)]
    (cue,) = cues_of(Transcription("en", "", [segment(1, 2, "It's here", spoken)]))
    assert cue.lines == ("It's here",)
    assert cue.words == ((1.0, " It"), (1.4, "'s"), (1.7, "  here"))
    (cue,) = cues_of(Transcription("en", "", [segment(1, 2, "It's here", [Word(1.0, 1.4, " ", 1.0)])]))
    assert (cue.lines, cue.words) == (("It's here",), ())


def test_lines_are_of_about_one_width() -> None:
    assert wrapped("one two three four five six", 20) == ("one two three", "four five six")
    assert wrapped("中文中文中文", 8) == ("中文中", "文中文")


def test_nothing_said_is_no_cue() -> None:
    assert len(cues_of(None)) == len(cues_of(Transcription("en", "", [segment(0, 1, "  ")]))) == 0
    assert cues_of(None).at(0.0) is None


def test_a_short_word_stays_long_enough_to_be_read() -> None:
    cues = cues_of(Transcription("en", "", [segment(1, 1.1, "No"), segment(1.5, 1.6, "Yes")]))
    assert [(cue.start_s, cue.end_s) for cue in cues] == [(1, 1.5), (1.5, 2.5)]
