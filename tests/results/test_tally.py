from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.results.query.tally import (
    LEVELS,
    counts,
    extent,
    seen,
)
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.timebase import Span
from tests.results.make import make_document

PICTURES = st.lists(st.none() | st.lists(st.sampled_from(["cat", "dog"]), max_size=3), max_size=12)


def thing(label: str) -> DetectedObject:
    return DetectedObject(0, label, 0.5, (0.0, 0.0, 1.0, 1.0))


@given(PICTURES)
def test_every_box_is_counted_once(pictures: list[list[str] | None]) -> None:
    detections = [
        Detection(n, float(n), None, None if labels is None else [thing(label) for label in labels])
        for n, labels in enumerate(pictures)
    ]
    whole = make_document()
    video = replace(whole.video, duration_s=max(1.0, len(pictures)))
    document = replace(whole, video=video, detections=detections, tracks=None)
    told = seen(document, Span(0.0, video.duration_s))
    boxes = [(n, label) for n, labels in enumerate(pictures) for label in labels or ()]
    assert {one.label: one.count for one in told} == {
        label: [name for _, name in boxes].count(label) for label in {label for _, label in boxes}
    }
    assert [one.count for one in told] == sorted((one.count for one in told), reverse=True)
    for one in told:
        times = [n for n, label in boxes if label == one.label]
        assert (one.first_s, one.last_s) == (times[0], times[-1])
        assert len(one.levels) == LEVELS
        assert max(level for level in one.levels if level is not None) == 1
        if None not in pictures:
            assert None not in one.levels


def test_where_nobody_looked_there_is_no_level() -> None:
    detections = [Detection(0, 0.0, 0.0, [thing("cat")]), Detection(1, 1.0, None, None)]
    (cat,) = seen(replace(make_document(), detections=detections, tracks=None), Span(0.0, 2.0))
    assert cat.levels == [1.0] * (LEVELS // 2) + [None] * (LEVELS // 2)
    assert cat.tracks is None


@given(st.lists(st.tuples(st.floats(-5, 20), st.floats(0, 10)), max_size=8))
def test_sounds_fill_their_share_of_the_time(spans: list[tuple[float, float]]) -> None:
    events = [SoundEvent("Music", 1, start, start + length, 0.5, 0.5) for start, length in spans]
    document = replace(make_document(), sounds=Sounds(0.3, events))
    told = counts(document, "sounds", Span(0.0, 15.0))
    assert sum(one.count for one in told) == len(events)
    for one in told:
        assert all(level is not None and 0 <= level <= 1 for level in one.levels)
        assert any(one.levels)


def test_what_lasted_longest_comes_first() -> None:
    spans = [("Click", 0.0, 0.1), ("Music", 1.0, 9.0), ("Click", 2.0, 2.1), ("Speech", 3.0, 6.0)]
    events = [SoundEvent(label, 1, start, end, 0.5, 0.5) for label, start, end in spans]
    told = counts(replace(make_document(), sounds=Sounds(0.3, events)), "sounds", Span(0.0, 10.0))
    assert [(one.label, one.count) for one in told] == [("Music", 1), ("Speech", 1), ("Click", 2)]


def test_a_part_is_told_of_what_lies_in_it() -> None:
    spans = [("Long before", 0.0, 21.0), ("Rain", 19.4, 25.0), ("Wind", 22.0, 40.0)]
    events = [SoundEvent(label, 1, start, end, 0.5, 0.5) for label, start, end in spans]
    told = counts(replace(make_document(), sounds=Sounds(0.3, events)), "sounds", Span(20.0, 30.0))
    assert [(one.label, one.first_s, one.last_s) for one in told] == [
        ("Wind", 22.0, 30.0),
        ("Rain", 20.0, 25.0),
        ("Long before", 20.0, 21.0),
    ]


def test_half_of_the_time_is_half_of_the_levels() -> None:
    document = replace(make_document(), sounds=Sounds(0.3, [SoundEvent("Music", 1, 0.0, 5.0, 0.5, 0.5)]))
    (music,) = counts(document, "sounds", Span(0.0, 10.0))
    assert [round(level or 0, 6) for level in music.levels] == [1.0] * (LEVELS // 2) + [0.0] * (LEVELS // 2)


def test_what_was_not_asked_for_is_nothing() -> None:
    document = replace(make_document(), detections=None, sounds=None, text=None)
    assert (
        seen(document, Span(0.0, 1.0))
        == counts(document, "sounds", Span(0.0, 1.0))
        == counts(document, "text", Span(0.0, 1.0))
        == []
    )


def test_sound_may_begin_before_the_picture_and_end_after_it() -> None:
    document = make_document()
    assert document.video.audio is not None
    longer = replace(document.video.audio, start_s=-0.5, duration_s=4.0)
    assert extent(replace(document, video=replace(document.video, audio=longer))) == Span(-0.5, 3.5)
    assert extent(replace(document, video=replace(document.video, audio=None))) == Span(0.0, 2.0)
