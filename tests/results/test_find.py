from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.results.query.phrases import tokens
from framefleet.results.query.search import (
    at,
    matches,
    said,
    sightings,
    spoken,
    within,
)
from framefleet.results.query.tally import extent
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.text import TextResult, TextSpan
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.timebase import Span
from tests.results.make import make_document

BOX = (0.0, 0.0, 1.0, 1.0)
PICTURES = st.lists(st.none() | st.lists(st.sampled_from(["cat", "hot dog"]), max_size=3), max_size=14)
SPOKEN = st.lists(st.lists(st.sampled_from(["Here", "is", "the", "Café,"]), max_size=5), max_size=5)


def seeing(pictures: list[list[str] | None], **changes: Any) -> Document:
    """A picture a second; its first thing is in track 7 where it is a cat."""
    detections = [
        Detection(n, float(n), float(n), None if p is None else [DetectedObject(0, name, 0.5, BOX) for name in p])
        for n, p in enumerate(pictures)
    ]
    boxes = [TrackBox(n, 0, float(n), BOX, 0.5) for n, p in enumerate(pictures) if p and p[0] == "cat"]
    tracks = TracksResult([Track(7, "cat", 0, boxes[0].time_s, boxes[-1].time_s, True, boxes)] if boxes else [])
    document = make_document()
    video = replace(document.video, duration_s=float(max(1, len(pictures))), audio=None)
    return replace(document, video=video, detections=detections, tracks=tracks, **changes)


def saying(segments: list[list[str]], *, words: bool = True) -> Document:
    """A word a second."""
    made, time_s = [], 0.0
    for segment in segments:
        told = [Word(time_s + n, time_s + n + 1, f" {word}", 0.9) for n, word in enumerate(segment)]
        end_s = time_s + len(segment)
        made.append(Segment(time_s, end_s, " ".join(segment), -0.1, 0.0, told if words else []))
        time_s = end_s
    text = " ".join(segment.text for segment in made)
    return replace(make_document(), transcription=Transcription("en", text, made))


@given(PICTURES)
def test_stretches_hold_every_sighting_once_and_have_gaps_between_them(pictures: list[list[str] | None]) -> None:
    found = sightings(seeing(pictures), "cat").get("cat", [])
    having = [n for n, picture in enumerate(pictures) if picture and "cat" in picture]
    assert [n for one in found for n in range(int(one.start_s), int(one.start_s) + one.pictures)] == having
    assert all(one.end_s < other.start_s for one, other in pairwise(found))
    for one in found:
        places = range(int(one.start_s), int(one.start_s) + one.pictures)
        assert one.most == max((pictures[n] or []).count("cat") for n in places)
        assert one.tracks == ([7] if any((pictures[n] or [""])[0] == "cat" for n in places) else [])


def test_a_word_of_a_label_stands_for_it_where_there_is_no_such_label() -> None:
    assert list(sightings(seeing([["hot dog"]]), "DOG")) == ["hot dog"]
    assert sightings(seeing([["cat"], None]), "bus") == {}


@given(SPOKEN, st.data())
def test_a_phrase_is_found_over_the_borders_of_segments(segments: list[list[str]], data: st.DataObject) -> None:
    words = [word for segment in segments for word in segment]
    if not words:
        return
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    found = said(saying(segments), " ".join(words[first : last + 1]).upper().replace("É", "E"))
    assert any(one.start_s <= last and one.end_s > first for one in found)
    for one in found:
        assert tokens(one.text) == [token for word in words[first : last + 1] for token in tokens(word)]
        assert one.end_s - one.start_s == last - first + 1
        place = int(one.start_s)
        around = [one.before, one.text, one.after]
        assert " ".join(part for part in around if part) in " ".join(words)
        assert one.before.split() == words[max(0, place - 6) : place]


def test_where_a_service_tells_no_words_the_segment_is_the_time() -> None:
    (found,) = said(saying([["Here", "is"], ["the", "Café,"]], words=False), "cafe")
    assert (found.start_s, found.end_s) == (2.0, 4.0)
    assert (found.before, found.text, found.after) == ("Here is the", "Café,", "")


@given(SPOKEN, st.sampled_from(["is", "the cafe", "here"]))
def test_words_are_found_alike_whether_their_times_are_known_or_not(segments: list[list[str]], phrase: str) -> None:
    told = [said(saying(segments, words=words), phrase) for words in (True, False)]
    with_words, without = [[(one.before, one.text, one.after) for one in found] for found in told]
    assert with_words == without


def test_all_there_is_at_a_time() -> None:
    document = replace(
        seeing([["cat", "hot dog"], None, []]),
        transcription=saying([["Here", "is"], ["the", "Café,"]]).transcription,
        sounds=Sounds(0.3, [SoundEvent("Music", 1, 0.0, 1.0, 0.5, 0.5), SoundEvent("Click", 2, 0.5, 0.5, 0.5, 0.5)]),
        text=TextResult([TextSpan("EXIT", 0.5, 0.9, BOX, 0.9, 1)], 1, 0, 0),
    )
    now = at(document, 0.5)
    assert now.picture_s == 0.0
    assert [(one.label, one.track) for one in now.things or ()] == [("cat", 7), ("hot dog", None)]
    assert now.scene == (document.scenes or [None])[0]
    assert now.said is not None
    assert (now.said.before, now.said.text, now.said.after) == ("", "Here", "is the Café,")
    assert [event.label for event in now.heard] == ["Music", "Click"]
    assert [span.text for span in now.written] == ["EXIT"]
    assert not now.cut_since
    later = at(document, 1.5)
    assert (later.picture_s, later.things, later.heard, later.written) == (1.0, None, [], [])
    assert later.said is not None
    assert (later.said.before, later.said.text) == ("Here", "is")
    assert at(document, 2.5).things == []


def test_a_scene_begins_with_its_first_moment_and_the_words_of_three_seconds_are_told() -> None:
    like = (make_document().scenes or [])[0]
    scenes = [replace(like, index=n, start_s=float(n), end_s=n + 1.0) for n in range(2)]
    document = replace(saying([list("abcdefghijklmn")]), scenes=scenes)
    found = [at(document, time_s).scene for time_s in (0.0, 1.0, 2.0)]
    assert [scene and scene.index for scene in found] == [0, 1, None]
    near = at(document, 6.5).said
    assert near is not None
    assert (near.before, near.text, near.after) == ("d e f", "g", "h i j")


def test_after_a_cut_nothing_is_seen_until_the_next_picture() -> None:
    like = (make_document().scenes or [])[0]
    scenes = [replace(like, index=n, start_s=start_s, end_s=start_s + 2) for n, start_s in enumerate((0.0, 0.4, 2.0))]
    document = seeing([["cat"], ["cat"], ["cat"]], scenes=scenes)
    found = [at(document, time_s) for time_s in (0.3, 0.4, 0.9, 1.0, 1.9, 2.0)]
    assert [one.cut_since for one in found] == [False, True, True, False, False, False]
    assert [one.things is None for one in found] == [one.cut_since for one in found]
    assert found[2].picture_s == 0.0


def test_a_picture_is_there_from_its_own_time_on() -> None:
    document = seeing([["cat"], []])
    assert document.detections is not None
    late = [replace(d, pts_s=d.time_s + 0.3) for d in document.detections]  # as the nearest keyframe may be
    found = [at(replace(document, detections=late), time_s).picture_s for time_s in (0.1, 0.3, 1.1, 1.3)]
    assert found == [None, 0.3, 0.3, 1.3]


def test_a_sound_without_length_belongs_to_the_part_that_it_begins_in() -> None:
    click = SoundEvent("Click", 2, 1.0, 1.0, 0.5, 0.5)
    document = replace(make_document(), sounds=Sounds(0.3, [click]))
    parts = [within(document, Span(start, start + 1.0)).sounds for start in (0.0, 1.0, 2.0)]
    assert [part and part.events for part in parts] == [[], [click], []]


@given(PICTURES, st.floats(0, 20))
def test_the_picture_at_a_time_is_the_last_one_until_then(pictures: list[list[str] | None], time_s: float) -> None:
    now = at(seeing(pictures), time_s)
    assert now.picture_s == max((n for n in range(len(pictures)) if n <= time_s), default=None)


def test_nothing_was_asked_for() -> None:
    document = replace(
        make_document(), detections=None, transcription=None, scenes=None, tracks=None, sounds=None, text=None
    )
    now = at(document, 0.0)
    assert (now.picture_s, now.things, now.scene, now.said, now.heard, now.written) == (None, None, None, None, [], [])
    assert not sightings(document, "cat")
    assert not said(document, "cat")
    assert not matches(document, "sounds", "cat")
    assert not matches(document, "text", "cat")
    assert within(document, extent(document)) == document


@given(PICTURES, SPOKEN, st.floats(0, 15), st.floats(0.1, 15))
def test_a_part_of_a_document_has_what_lies_in_it_and_no_more(
    pictures: list[list[str] | None], segments: list[list[str]], start: float, length: float
) -> None:
    whole = seeing(pictures, transcription=saying([s for s in segments if s]).transcription)
    part, span = within(whole, Span(start, start + length)), Span(start, start + length)
    assert [d.index for d in part.detections or ()] == [
        d.index for d in whole.detections or () if span.start_s <= d.time_s < span.end_s
    ]
    for one in spoken(whole):
        if one.start_s < span.end_s and one.end_s > span.start_s:
            assert one in spoken(part)
    kept = {(b.index, b.object) for t in (part.tracks.tracks if part.tracks else ()) for b in t.boxes}
    assert kept <= {(d.index, 0) for d in part.detections or ()}
    assert within(part, span) == part


@given(PICTURES)
def test_all_of_a_document_is_the_document(pictures: list[list[str] | None]) -> None:
    whole = seeing(pictures)
    assert within(whole, extent(whole)) == whole
