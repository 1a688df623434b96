"""Merging puts clips on the video's clock, in any order of arrival, and loses nothing."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from framefleet.protocol.whisper import WhisperReply, WhisperSegment, WhisperWord
from framefleet.schema.speech import Skipped
from framefleet.stages.base import Answer
from framefleet.stages.speech.merge import merge_speech
from framefleet.stages.speech.skipped import SentTime, Unsent
from framefleet.stages.speech.spec import absent
from framefleet.timebase import Span
from tests.stages.speech.test_plan import HOUR


def answer(start_s, end_s, texts, language="en", sure=0.9):
    step = (end_s - start_s) / max(1, len(texts))
    segments = [
        WhisperSegment(
            k * step, (k + 1) * step, f" {text}", -0.2, 0.0, [WhisperWord(k * step, (k + 0.5) * step, f" {text}", 0.9)]
        )
        for k, text in enumerate(texts)
    ]
    return Answer(
        (SentTime(0, Span(start_s, end_s)),),
        WhisperReply(
            model="m", model_id="i", device="cpu", language=language, language_probability=sure, segments=segments
        ),
    )


@st.composite
def contiguous(draw):
    edges = sorted(draw(st.lists(st.integers(-5, 10_000), min_size=2, max_size=8, unique=True)))
    texts = st.lists(st.sampled_from(["yes", "no", "perhaps"]), max_size=4)
    languages = st.sampled_from(["en", "de"])
    return [answer(a, b, draw(texts), draw(languages)) for a, b in pairwise(edges)]


@given(contiguous(), st.randoms())
def test_order_of_arrival_does_not_matter(answers, random):
    shuffled = random.sample(answers, len(answers))
    assert merge_speech(shuffled) == merge_speech(answers)


@given(contiguous())
def test_nothing_is_lost_and_all_is_in_order(answers):
    merged = merge_speech(answers)
    said = [segment.text.strip() for one in answers for segment in one.reply.segments]
    assert [segment.text for segment in merged.segments] == said
    assert merged.text.split() == said
    assert all(a.end_s <= b.start_s + 0.001 for a, b in pairwise(merged.segments))


def test_times_are_the_videos():
    merged = merge_speech([answer(-0.5, 1.5, ["and"]), answer(90.25, 92.25, ["so"])])
    assert [(s.start_s, s.end_s) for s in merged.segments] == [(-0.5, 1.5), (90.25, 92.25)]
    assert [(w.start_s, w.word) for s in merged.segments for w in s.words] == [(-0.5, " and"), (90.25, " so")]


def test_the_language_is_the_one_spoken_longest():
    merged = merge_speech([answer(0, 10, ["ja"], "de"), answer(10, 100, ["yes"]), answer(100, 900, [], "fr")])
    assert merged.language == "en"


def test_a_clip_that_failed_is_only_missing():
    assert merge_speech([answer(0, 5, ["one"]), answer(10, 15, ["three"])]).text == "one three"


def test_what_was_skipped_of_a_clip_that_failed_is_told_all_the_same():
    lost = SentTime(1, Span(40.0, 100.0), (Unsent(5.0, 40.0, "no speech"), Unsent(50.0, 90.0, "no speech")))
    told = [Skipped(5.0, 40.0, "no speech"), Skipped(50.0, 90.0, "no speech")]
    assert merge_speech([answer(0, 5, ["one"])], [lost]).skipped == told


def test_nobody_speaks():
    merged = merge_speech([answer(0, 10, [])])
    assert (merged.language, merged.text, merged.segments, merged.skipped) == (None, "", [], [])


def test_no_audio_says_so():
    assert absent(HOUR).skipped == [Skipped(0.0, 3600, "no audio stream")]
