"""Pictures that count, by what was asked for or by keyframes."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.results.query.intervals import commonest, frame_intervals
from framefleet.results.query.search import (
    at,
    labels,
    sightings,
    within,
)
from framefleet.results.query.tally import seen
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.timebase import Span
from tests.results.make import make_document

CAT = DetectedObject(0, "cat", 0.5, (0.0, 0.0, 1.0, 1.0))
DOG = DetectedObject(1, "dog", 0.5, (0.0, 0.0, 1.0, 1.0))


def looked(shown: list[float | None], sampling: str, objects: list[list[DetectedObject] | None]) -> Document:
    """A sample a second, each with when its frame begins."""
    pairs = enumerate(zip(shown, objects, strict=True))
    detections = [Detection(n, float(n), at, things) for n, (at, things) in pairs]
    whole = make_document()
    video = replace(whole.video, duration_s=float(len(shown)))
    config = replace(whole.config, sampling=sampling)
    return replace(whole, video=video, config=config, detections=detections, tracks=None)


def test_by_exact_sampling_each_sample_counts_when_it_was_asked_for() -> None:
    found = frame_intervals(looked([0.0, 0.0, 1.96, None], "exact", [[CAT], [CAT], [], None]))
    assert [(span.start_s, span.end_s, picture.index) for span, picture in found] == [
        (0, 1, 0), (1, 2, 1), (2, 3, 2), (3, 4, 3)
    ]  # fmt: skip


def test_a_keyframe_counts_once_when_it_is_until_the_next_one() -> None:
    document = looked([0.0, 0.0, 0.0, 5.5, 5.5, 5.5, 5.5], "keyframes", [[CAT, CAT, DOG]] * 3 + [[DOG]] * 4)
    assert [(span.start_s, span.end_s, picture.index) for span, picture in frame_intervals(document)] == [
        (0, 5.5, 0),
        (5.5, 7, 3),
    ]
    assert [(one.label, one.count, one.first_s, one.last_s) for one in seen(document, Span(0.0, 7.0))] == [
        ("cat", 2, 0.0, 0.0),
        ("dog", 2, 0.0, 5.5),
    ]
    (stretch,) = sightings(document, "dog")["dog"]
    assert (stretch.start_s, stretch.end_s, stretch.pictures) == (0, 7, 2)
    assert commonest(document) == ["cat", "dog"]
    (part,) = frame_intervals(within(document, Span(5.0, 6.0)))
    assert (part.span, part.picture.index) == (Span(5.5, 6.0), 3)
    assert [look.span for look in frame_intervals(within(document, Span(0.0, 5.0)))] == [Span(0.0, 5.0)]


def test_the_sample_that_was_answered_speaks_for_its_keyframe() -> None:
    document = looked([0.0, 0.0, 0.0], "keyframes", [None, [CAT], [CAT, DOG]])
    (look,) = frame_intervals(document)
    assert look.picture.index == 1
    assert [thing.label for thing in at(document, 1.0).things or ()] == ["cat"]
    assert labels(document) == ["cat"]
    assert sightings(document, "dog") == {}


@given(st.lists(st.none() | st.floats(0, 9), max_size=9), st.sampled_from(["exact", "keyframes"]))
def test_looks_follow_each_other_without_a_gap(shown: list[float | None], sampling: str) -> None:
    found = frame_intervals(looked(shown, sampling, [[CAT]] * len(shown)))
    assert all(one.span.end_s == other.span.start_s for one, other in pairwise(found))
    assert all(look.span.length_s >= 0 for look in found)
    if sampling == "exact":
        assert [look.picture.index for look in found] == list(range(len(shown)))
