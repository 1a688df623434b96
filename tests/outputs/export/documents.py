"""Documents for exports: one with a bit of all, and any that hypothesis can think of."""

from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription, Word
from framefleet.schema.text import TextResult, TextSpan
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from tests.results.make import make_document

WIDTH, HEIGHT = 160, 120  # of `make_document`'s video

HOSTILE = [
    "=1+1",
    "+x",
    "-2",
    "@SUM(A1)",
    "\tx",
    "\rx",
    'a,b"c"\nd',
    "00:00:01,000 --> 00:00:02,000",
    "00:01.000 --> 00:02.000",
    "0:00:01.00,0:00:02.00,Default,,0,0,0,,x",
    "{\\an8}up",
    "C:\\New\\hope\\n\\h",
    "\\",
    "<i>x</i> < y > z",
    "</script><img onerror=alert(1)>",
    "&amp; &lt;",
    "]]>",
    "nul\x00l",
    "\x1b[31mred\x7f",
    "a\n\nb",
    "a\u2028b\x85c",
    "שלום \u202eabc",
    "👩‍🚀",
    "42",
    "   ",
    "",
    "WEBVTT",
    "NOTE x",
    ": x\n- y #",
    "\ufffe\uffff",
]
texts = st.sampled_from(HOSTILE) | st.text(max_size=12)
times = st.floats(-1, 40).map(lambda time_s: round(time_s, 3))
edges = st.sampled_from([-50.0, 0.0, 0.004, 60.5, 119.99, 120.0, 160.0, 400.0]) | st.floats(-20, 200)
boxes = st.tuples(edges, edges, edges, edges)
chances = st.floats(0, 1).map(lambda value: round(value, 4))
objects = st.builds(DetectedObject, st.integers(0, 90), texts, chances, boxes)


@st.composite
def segments(draw: Any) -> Segment:
    start, length = draw(times), draw(st.sampled_from([0.0, 0.003, 0.5, 20.0]))
    spoken = draw(st.lists(st.tuples(texts, st.sampled_from([-0.3, 0.0, 0.1, 5.0])), max_size=4))
    words = [Word(start + at, start + at + 0.1, f" {text}", 0.5) for text, at in spoken]
    return Segment(start, start + length, draw(texts), -0.5, 0.1, words)


def _known(pictures: list[Any]) -> bool:
    """Where none of the pictures was answered, nothing can be made of them, and what asks says so."""
    return not pictures or any(objects is not None for objects in pictures)


@st.composite
def documents(draw: Any) -> Document:
    """Any pictures, some unanswered, tracks over some of their objects, and any speech, sounds, text and scenes."""
    pictures = draw(st.lists(st.none() | st.lists(objects, max_size=4), max_size=5).filter(_known))
    detections = [Detection(i, float(i), None if p is None else float(i), p) for i, p in enumerate(pictures)]
    spans = [(start, start + 1.0) for start in sorted(draw(st.lists(times, max_size=3)))]
    named = draw(st.lists(texts, min_size=len(spans), max_size=len(spans)))
    return replace(
        make_document(),
        detections=detections,
        tracks=draw(st.none() | st.just(TracksResult(tracks_of(detections)))),
        transcription=Transcription("en", "", draw(st.lists(segments(), max_size=4))),
        sounds=Sounds(0.3, [SoundEvent(t, 1, a, b, 0.5, 0.4) for (a, b), t in zip(spans, named, strict=True)]),
        text=TextResult(
            [TextSpan(t, a, b, draw(boxes), 0.5, 1) for (a, b), t in zip(spans, named, strict=True)], 1, 0, 0
        ),
        scenes=[
            SceneEntry(index=i, start_s=a, end_s=b, thumbnail_s=a, objects={t: 2}, speech=t, sounds=[t], text=[t, t])
            for i, ((a, b), t) in enumerate(zip(spans, named, strict=True))
        ],
    )


def tracks_of(detections: list[Detection]) -> list[Track]:
    """The first objects of all pictures are one track, the second ones another; the rest are in none."""
    tracks = []
    for place in range(2):
        found = [(d, d.objects[place]) for d in detections if d.objects and len(d.objects) > place]
        if found:
            sightings = [TrackBox(d.index, place, d.time_s, o.box, o.confidence) for d, o in found]
            _, first = found[0]
            span = sightings[0].time_s, sightings[-1].time_s
            tracks.append(Track(place + 1, first.label, first.class_id, *span, True, sightings))
    return tracks


def sees(*pictures: list[tuple[int, str, float, tuple[float, float, float, float]]] | None) -> Document:
    """A document whose pictures, one a second, show these: class, label, confidence, box."""
    detections = [
        Detection(i, float(i), None if p is None else float(i), None if p is None else [DetectedObject(*o) for o in p])
        for i, p in enumerate(pictures)
    ]
    document = make_document()
    video = replace(document.video, duration_s=float(len(pictures)), frame_count=25 * len(pictures))
    return replace(document, video=video, detections=detections, tracks=TracksResult(tracks_of(detections)))


def says(*spoken: tuple[float, float, str]) -> Document:
    """A document with these segments: start, end, text."""
    found = [Segment(a, b, text, -0.1, 0.0, []) for a, b, text in spoken]
    return replace(make_document(), transcription=Transcription("en", "", found))
