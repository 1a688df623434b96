"""What is heard in a clip put together of stretches is told where it was said, and never where nobody listened."""

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.protocol.whisper import WhisperReply, WhisperSegment, WhisperWord
from framefleet.schema.speech import Skipped
from framefleet.stages.base import Answer
from framefleet.stages.speech.clock import placed, stretches
from framefleet.stages.speech.merge import merge_speech
from framefleet.stages.speech.skipped import (
    NO_SPEECH,
    SentTime,
    Unsent,
    parted,
)
from framefleet.timebase import Span

NEAR_S = 0.001  # times are told to the millisecond


def spoken(*words, text=None, start_s=None, end_s=None):
    """A segment of words, each with its start and end."""
    made = [WhisperWord(start, end, f" {word}", 0.9) for word, start, end in words]
    return WhisperSegment(
        made[0].start_s if start_s is None else start_s,
        made[-1].end_s if end_s is None else end_s,
        "".join(word.word for word in made) if text is None else text,
        -0.2,
        0.0,
        made,
    )


def reply_of(segments):
    return WhisperReply(model="m", model_id="i", device="", language="en", language_probability=1.0, segments=segments)


@st.composite
def facts(draw, least=1):
    """A clip of some stretches, with or without silent ends."""
    seconds = st.integers(10, 400_000).map(lambda ms: ms / 1000)
    count = draw(st.integers(least, 5))
    lengths = draw(st.lists(seconds, min_size=2 * count - 1, max_size=2 * count - 1))
    edges = [round(edge, 6) for edge in accumulate(lengths, initial=draw(st.floats(-5, 5000)))]
    skipped = [Unsent(a, b, NO_SPEECH) for a, b in list(pairwise(edges))[1::2]]
    if draw(st.booleans()):
        skipped = [Unsent(edges[0] - 40, edges[0], NO_SPEECH), *skipped, Unsent(edges[-1], edges[-1] + 50, NO_SPEECH)]
    return SentTime(0, Span(edges[0], edges[-1]), tuple(skipped))


@st.composite
def heard(draw, fact):
    """Segments within the clip, of words in the order of their starts and of their ends."""
    times = st.floats(0, fact.sent_s)
    starts = draw(st.lists(times, min_size=1, max_size=12).map(sorted))
    ends = sorted(max(start, draw(times)) for start in starts)
    words = [(f"w{k}", *times) for k, times in enumerate(zip(starts, ends, strict=True))]
    cut = draw(st.integers(1, len(words)))
    return [spoken(*part) for part in (words[:cut], words[cut:]) if part]


@given(st.data())
def test_nothing_is_told_where_nobody_listened_and_all_stays_in_order(data):
    fact = data.draw(facts())
    segments = data.draw(heard(fact))
    merged = merge_speech([Answer((fact,), reply_of(segments))])
    words = [word for segment in merged.segments for word in segment.words]
    assert [word.word for word in words] == [word.word for segment in segments for word in segment.words]
    assert merged.text.split() == [word.word.strip() for word in words]
    for piece in [*words, *merged.segments]:
        assert piece.start_s <= piece.end_s
        assert any(k.start_s - NEAR_S <= piece.start_s and piece.end_s <= k.end_s + NEAR_S for k in fact.kept)
    for this, after in pairwise(words):
        assert this.start_s <= after.start_s
        assert this.end_s <= after.end_s
    assert merged.skipped == [Skipped(piece.start_s, piece.end_s, piece.reason) for piece in fact.skipped]


@given(st.data())
def test_where_nothing_is_cut_out_times_only_move(data):
    start_s, length_s = data.draw(st.floats(-5, 5000)), data.draw(st.floats(1, 900))
    fact = SentTime(0, Span(round(start_s, 6), round(start_s + length_s, 6)))
    (segment, *_) = data.draw(heard(fact))
    (moved,) = placed(segment, stretches(fact.kept))
    for was, is_ in zip([segment, *segment.words], [moved, *moved.words], strict=True):
        assert is_.start_s == pytest.approx(was.start_s + fact.span.start_s, abs=NEAR_S)
        assert is_.end_s == pytest.approx(was.end_s + fact.span.start_s, abs=NEAR_S)
    at_zero = SentTime(0, Span(0.0, 1000.0))
    to_the_ms = spoken(("yes", 1.234, 2.345), ("no", 900.001, 999.999))
    assert placed(to_the_ms, stretches(at_zero.kept)) == [replace(to_the_ms, text="yes no")]


@given(facts(), st.floats(0, 1))
def test_halves_have_all_that_was_sent_and_tell_of_all_that_was_not(fact, share):
    at_s = round(fact.sent_s * share, 6)
    before, after = parted(fact, at_s)
    assert before.skipped + after.skipped == fact.skipped
    assert before.sent_s == pytest.approx(at_s, abs=1e-5)
    assert after.sent_s == pytest.approx(fact.sent_s - at_s, abs=1e-5)
    assert (before.span.start_s, after.span.end_s) == (fact.span.start_s, fact.span.end_s)
    for half in (before, after):
        for kept in half.kept:
            assert any(k.start_s - 1e-5 <= kept.start_s and kept.end_s <= k.end_s + 1e-5 for k in fact.kept)


THREE = stretches([Span(100.0, 110.0), Span(200.0, 205.0), Span(300.0, 320.0)])


def told(segment):
    return [(s.start_s, s.end_s, s.text, [w.word for w in s.words]) for s in placed(segment, THREE)]


def test_a_segment_over_a_joint_is_parted_by_its_words():
    segment = spoken(("Here", 8.0, 8.5), ("is.", 9.0, 9.4), ("Cat", 10.5, 11.0), ("and", 14.9, 15.6), start_s=7.5)
    assert told(replace(segment, end_s=16.0)) == [
        (107.5, 109.4, "Here is.", [" Here", " is."]),
        (200.5, 201.0, "Cat", [" Cat"]),
        (300.0, 301.0, "and", [" and"]),
    ]


def test_a_segment_that_only_reaches_over_a_joint_ends_or_begins_there():
    assert told(spoken(("yes", 9.0, 9.8), end_s=11.5)) == [(109.0, 110.0, "yes", [" yes"])]
    assert told(spoken(("no", 10.4, 10.9), start_s=8.0)) == [(200.0, 200.9, "no", [" no"])]


def test_a_segment_without_words_lies_where_its_middle_does():
    assert told(WhisperSegment(8.0, 11.0, " yes", -0.2, 0.0)) == [(108.0, 110.0, "yes", [])]
    assert told(WhisperSegment(9.0, 14.0, " yes", -0.2, 0.0)) == [(200.0, 204.0, "yes", [])]


def test_commas_and_quotes_that_a_services_words_lack_stay_in_the_text():
    words = [
        WhisperWord(8.0, 9.0, "Well", 0.9),
        WhisperWord(9.0, 9.5, " then", 0.9),
        WhisperWord(11.0, 12.0, "yes", 0.9),
    ]
    segment = WhisperSegment(8.0, 12.0, ' Well, then… "yes", he', -0.2, 0.0, words)
    assert [text for _, _, text, _ in told(segment)] == ["Well, then…", '"yes", he']


def test_words_that_are_written_otherwise_in_the_text_lose_none_of_it():
    words = [
        WhisperWord(8.0, 9.0, "ten", 0.9),
        WhisperWord(11.0, 12.0, "eleven", 0.9),
        WhisperWord(16.0, 17.0, "12", 0.9),
    ]
    texts = [text for _, _, text, _ in told(WhisperSegment(8.0, 17.0, "10 11 12", -0.2, 0.0, words))]
    assert texts == ["10", "11", "12"]
    words = [WhisperWord(8.0, 9.0, "你好", 0.9), WhisperWord(11.0, 12.0, "再见", 0.9)]
    texts = [text for _, _, text, _ in told(WhisperSegment(8.0, 12.0, "你好。再见", -0.2, 0.0, words))]
    assert texts == ["你好。", "再见"]
