"""Events are on the video's clock, in any order of arrival, lose nothing, and say no more than the slices did."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.media.types import ClipTime
from framefleet.protocol.ast import AstReply, HeardClass, Slice
from framefleet.stages.base import Answer
from framefleet.stages.sounds.merge import JOIN_S, merge_sounds
from framefleet.timebase import Span

LABELS = ["Speech", "Music", "Dog"]


def answer(start_s, end_s, heard, slice_s=2.0, hop_s=1.0):
    """A clip in which the n-th slice hears `heard[n]`, label to score."""
    slices = [
        Slice(k * hop_s, min(k * hop_s + slice_s, end_s - start_s), classes_of(found)) for k, found in enumerate(heard)
    ]
    return Answer(
        (ClipTime(0, Span(start_s, end_s)),),
        AstReply(model="m", model_id="i", device="cpu", slice_s=slice_s, hop_s=hop_s, slices=slices),
    )


def classes_of(found):
    return [HeardClass(LABELS.index(label), label, score) for label, score in found.items()]


@st.composite
def contiguous(draw):
    """Clips that follow each other, each of some slices a second apart."""
    slices = st.dictionaries(st.sampled_from(LABELS), st.sampled_from([0.2, 0.3, 0.5, 0.9]))
    clips, at = [], draw(st.integers(-3, 3))
    for heard in draw(st.lists(st.lists(slices, min_size=1, max_size=8), max_size=4)):
        clips.append(answer(at, at + len(heard) + 1, heard))
        at += len(heard) + 1
    return clips


@given(contiguous(), st.randoms())
def test_order_of_arrival_does_not_matter(answers, random):
    assert merge_sounds(random.sample(answers, len(answers)), 0.3) == merge_sounds(answers, 0.3)


@given(contiguous())
def test_each_class_is_heard_where_its_slices_are_and_nowhere_else(answers):
    events = merge_sounds(answers, 0.3).events
    for label in LABELS:
        own = [event for event in events if event.label == label]
        assert all(b.start_s - a.end_s > JOIN_S for a, b in pairwise(own))
        for one in answers:
            clip = one.facts[0].span
            for piece in one.reply.slices:
                heard = any(found.label == label and found.score >= 0.3 for found in piece.classes)
                middle = clip.start_s + (piece.start_s + piece.end_s) / 2
                assert heard == any(event.start_s < middle < event.end_s for event in own)


@given(contiguous())
def test_scores_are_those_of_the_slices(answers):
    scores = [f.score for a in answers for s in a.reply.slices for f in s.classes if f.score >= 0.3]
    events = merge_sounds(answers, 0.3).events
    assert max((event.score for event in events), default=0) == max(scores, default=0)
    assert all(0.3 <= event.mean_score <= event.score for event in events)


def test_a_sound_that_goes_on_is_one_event_across_clips():
    merged = merge_sounds([answer(5, 9, [{"Music": 0.4}] * 3), answer(0, 5, [{}, {"Music": 0.8}] * 2)], 0.3)
    assert [(e.start_s, e.end_s, e.score, e.mean_score) for e in merged.events] == [
        (1.5, 2.5, 0.8, 0.8),
        (3.5, 9, 0.8, 0.5),
    ]


def test_times_are_the_videos():
    (event,) = merge_sounds([answer(-0.5, 2.5, [{"Dog": 0.9}, {"Dog": 0.7}])], 0.3).events
    assert (event.start_s, event.end_s, event.label, event.class_id) == (-0.5, 2.5, "Dog", 2)


def test_a_class_missed_in_one_short_slice_is_not_two_events():
    flicker = answer(0, 2.0, [{"Speech": 0.9}, {}, {"Speech": 0.9}], slice_s=1.0, hop_s=0.48)
    assert len(merge_sounds([flicker], 0.3).events) == 1
    rest = answer(0, 3.0, [{"Speech": 0.9}, {}, {}, {"Speech": 0.9}], slice_s=1.0, hop_s=0.48)
    assert len(merge_sounds([rest], 0.3).events) == 2


def test_a_clip_that_failed_is_only_missing():
    heard = [{"Speech": 0.9}, {"Speech": 0.9}]
    events = merge_sounds([answer(0, 3, heard), answer(6, 9, heard)], 0.3).events
    assert [(event.start_s, event.end_s) for event in events] == [(0, 3), (6, 9)]


@pytest.mark.parametrize("answers", [[], [answer(0, 0, [])], [answer(0, 2, [{}])]])
def test_nothing_is_heard(answers):
    merged = merge_sounds(answers, 0.3)
    assert (merged.events, merged.threshold, merged.skipped) == ([], 0.3, [])
