"""What the stages found, gathered by scene."""

from hypothesis import given
from hypothesis import strategies as st

from framefleet.results.assemble.fusion import fuse
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription
from framefleet.schema.text import TextResult, TextSpan
from framefleet.stages.scene import scenes_between
from framefleet.timebase import Span


def seen(time_s: float, *labels: str) -> Detection:
    return Detection(int(time_s), time_s, time_s, [DetectedObject(0, label, 0.9, (0, 0, 1, 1)) for label in labels])


def said(start_s: float, end_s: float, text: str) -> Segment:
    return Segment(start_s, end_s, text, -0.1, 0.0)


def heard(start_s: float, end_s: float, label: str) -> SoundEvent:
    return SoundEvent(label, 0, start_s, end_s, 0.9, 0.9)


def test_each_scene_has_what_lies_in_it() -> None:
    scenes = scenes_between([4.0], [Span(0.0, 10.0)])
    first, second = fuse(
        scenes,
        {
            "objects": [
                seen(0, "person"),
                seen(1, "person", "person"),
                seen(2),
                seen(4, "cat"),
                Detection(5, 5.0, None, None),
            ],
            "speech": Transcription("en", "", [said(0, 2, "Hello."), said(3.5, 6, "A cat."), said(6, 7, "Bye.")]),
            "sounds": Sounds(0.3, [heard(0, 10, "Music"), heard(8, 9, "Meow"), heard(9, 9.5, "Meow")]),
        },
    )
    assert (first.objects, second.objects) == ({"person": 2}, {"cat": 1})
    assert (first.speech, second.speech) == ("Hello.", "A cat. Bye.")
    assert (first.sounds, second.sounds) == (["Music"], ["Music", "Meow"])
    assert first.text == second.text == []


def test_a_keyframe_counts_where_it_is_and_a_frame_that_stays_on_where_it_was_looked_at() -> None:
    shown = [DetectedObject(0, "cat", 0.9, (0, 0, 1, 1))]
    scenes, detections = scenes_between([3.28], [Span(0.0, 6.0)]), [Detection(2, 2.0, 3.28, shown)]
    assert [entry.objects for entry in fuse(scenes, {"objects": detections}, sampling="keyframes")] == [
        {},
        {"cat": 1},
    ]
    still = [Detection(k, float(k), 0.0, shown) for k in range(6)]
    assert [entry.objects for entry in fuse(scenes, {"objects": still})] == [{"cat": 1}, {"cat": 1}]


def test_what_ends_as_a_scene_begins_is_not_in_it() -> None:
    text = TextResult([TextSpan(t, a, b, (0, 0, 1, 1), 1.0, 1) for t, a, b in [("old", 1, 4), ("now", 4, 4)]], 2, 0, 0)
    assert [entry.text for entry in fuse(scenes_between([4.0], [Span(0.0, 9.0)]), {"text": text})] == [["old"], ["now"]]


spans = st.tuples(st.floats(0, 100), st.floats(0.01, 30))


@given(st.lists(st.floats(0.1, 99), max_size=8), st.lists(spans, max_size=10))
def test_all_that_is_said_is_in_one_scene_and_sounds_in_each_they_share(cuts: list[float], pieces: list) -> None:
    scenes = scenes_between(cuts, [Span(0.0, 131.0)])
    segments = [said(start, start + length, f"w{n}") for n, (start, length) in enumerate(pieces)]
    sounds = Sounds(0.3, [heard(start, start + length, f"s{n}") for n, (start, length) in enumerate(pieces)])
    entries = fuse(scenes, {"speech": Transcription("en", "", segments), "sounds": sounds})
    words = [word for entry in entries for word in entry.speech.split()]
    assert sorted(words) == sorted(segment.text for segment in segments)
    for event in sounds.events:
        inside = [entry for entry in entries if event.label in entry.sounds]
        assert inside
        assert all(entry.start_s < event.end_s and event.start_s < entry.end_s for entry in inside)
