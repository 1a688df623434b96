"""What is drawn when: findings where they are, and never more than they allow in between."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.outputs.render.overlay import (
    CUT,
    MAX_BOXES,
    MAX_GAP_S,
    MIXED,
    NOT_IN_A_ROW,
    TOO_FAR,
    Moments,
)
from framefleet.results.assemble.fusion import fuse
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.scene import Scene
from framefleet.timebase import Span
from tests.results.make import make_document

FPS = 2.0
Box = tuple[float, float, float, float]


def document_of(pictures: list[list[Box] | None], tracks: list[list[tuple[int, int]]], cuts: list[float]) -> Document:
    """Boxes of each sample, tracks as (index, place), and where scenes begin."""
    like = make_document()
    detections = [
        Detection(i, i / FPS, i / FPS, None if boxes is None else [DetectedObject(0, "cat", 0.5, box) for box in boxes])
        for i, boxes in enumerate(pictures)
    ]
    made = [
        Track(n + 1, "cat", 0, 0.0, 9.0, True, [TrackBox(i, k, i / FPS, pictures[i][k], 0.5) for i, k in names])  # type: ignore[index]
        for n, names in enumerate(tracks)
    ]
    scenes = [Scene(n, start, start + 1, start) for n, start in enumerate([0.0, *cuts])]
    return replace(
        like,
        config=replace(like.config, fps=FPS),
        detections=detections,
        tracks=TracksResult(made),
        scenes=fuse(scenes, {}),
    )


coordinate = st.floats(0, 1000)
boxes = st.lists(st.tuples(coordinate, coordinate, coordinate, coordinate), max_size=4)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    pictures = draw(st.lists(st.none() | boxes, min_size=1, max_size=8))
    names = draw(st.permutations([(i, k) for i, found in enumerate(pictures) for k in range(len(found or ()))]))
    tracks: list[dict[int, int]] = [{}, {}, {}]
    for i, k in names:
        free = next((track for track in tracks if i not in track), None)
        if free is not None:
            free[i] = k
    cuts = sorted(draw(st.sets(st.floats(0.1, 5), max_size=2)))
    return document_of(pictures, [sorted(track.items()) for track in tracks if track], cuts)


@given(documents(), st.booleans())
def test_in_a_sample_exactly_its_boxes_are_shown(document: Document, move: bool) -> None:
    moments = Moments(document, move=move)
    for detection in document.detections or ():
        shown = moments.at(detection.time_s)
        if detection.objects is not None:
            assert all(thing.seen for thing in shown)
            assert sorted(thing.box for thing in shown) == sorted(found.box for found in detection.objects)


@given(documents(), st.floats(0, 6))
def test_held_boxes_end_with_the_next_sample_or_cut(document: Document, time_s: float) -> None:
    detections = [d for d in document.detections or () if d.time_s <= time_s]
    last = detections[-1]
    shown = [thing.box for thing in Moments(document, move=False).at(time_s)]
    cut = any(last.time_s < scene.start_s <= time_s for scene in document.scenes or ())
    over = cut or last.objects is None or time_s - last.time_s >= 1 / FPS - 1e-6
    near_a_border = any(abs(time_s - border) < 1e-5 for border in (last.time_s, last.time_s + 1 / FPS))
    if not near_a_border:
        assert sorted(shown) == ([] if over else sorted(found.box for found in last.objects or ()))


@given(documents(), st.floats(0, 6))
def test_moved_boxes_stay_within_the_two_that_they_join(document: Document, time_s: float) -> None:
    assert document.tracks is not None
    hulls: dict[int | None, list[tuple[Box, Box]]] = {}
    for track in document.tracks.tracks:
        for here, there in pairwise(track.boxes):
            if here.time_s <= time_s <= there.time_s:
                hulls.setdefault(track.id, []).append((here.box, there.box))
    held = {thing.box for thing in Moments(document, move=False).at(time_s)}
    for thing in Moments(document).at(time_s):
        if thing.box not in held and not thing.seen:
            assert any(
                all(min(a, b) - 1e-6 <= x <= max(a, b) + 1e-6 for a, b, x in zip(*hull, thing.box, strict=True))
                for hull in hulls[thing.track]
            )


def two(time: int = 1) -> list[list[Box] | None]:
    """A box that moves by ten, seen in the first picture and in the `time`-th."""
    far: list[list[Box] | None] = [[(0.0, 0.0, 20.0, 20.0)], *[None] * (time - 1), [(10.0, 0.0, 30.0, 20.0)]]
    return far


def test_a_box_moves_on_a_straight_line() -> None:
    (thing,) = Moments(document_of(two(), [[(0, 0), (1, 0)]], [])).at(0.25)
    assert thing.box == (5.0, 0.0, 25.0, 20.0)
    assert not thing.seen
    assert thing.track == 1


def test_pictures_without_an_answer_are_bridged_up_to_a_limit() -> None:
    near, far = (Moments(document_of(two(n), [[(0, 0), (n, 0)]], [])) for n in (int(MAX_GAP_S * FPS), 5))
    assert [thing.box[0] for thing in near.at(1.0)] == [5.0]
    assert far.at(1.0) == []


def test_where_somebody_looked_and_found_nothing_there_is_nothing() -> None:
    pictures = two(2)
    pictures[1] = []
    moments = Moments(document_of(pictures, [[(0, 0), (2, 0)]], []))
    assert moments.moving == 0
    assert moments.at(0.5) == moments.at(0.75) == []


def test_nothing_moves_over_a_cut() -> None:
    moments = Moments(document_of(two(), [[(0, 0), (1, 0)]], [0.3]))
    assert [thing.box[0] for thing in moments.at(0.25)] == [0.0]
    assert moments.at(0.35) == []


@pytest.mark.parametrize(
    ("pictures", "tracks", "cuts", "why"),
    [
        (two(5), [[(0, 0), (5, 0)]], [], TOO_FAR),
        (two(), [[(0, 0)], [(1, 0)]], [], NOT_IN_A_ROW),
        ([*two()[:1], [], *two()[1:]], [[(0, 0), (2, 0)]], [], NOT_IN_A_ROW),
        (two(), [[(0, 0), (1, 0)]], [0.3], CUT),
        ([*two(), *two(5)[1:]], [[(0, 0), (1, 0), (6, 0)]], [0.3], MIXED),
        (two(), [[(0, 0), (1, 0)]], [], None),
        (two(), [], [], None),
    ],
)
def test_why_nothing_moves_although_there_are_tracks(
    pictures: list[list[Box] | None], tracks: list[list[tuple[int, int]]], cuts: list[float], why: str | None
) -> None:
    moments = Moments(document_of(pictures, tracks, cuts))
    assert moments.hurdle == why
    assert Moments(document_of(pictures, tracks, cuts), move=False).hurdle is None


@given(documents(), st.floats(0, 6), st.floats(0.01, 3))
def test_what_is_counted_in_a_part_is_what_is_to_be_seen_in_it(
    document: Document, start_s: float, length_s: float
) -> None:
    part = Span(start_s, start_s + length_s)
    moments = Moments(document, span=part)
    times = [start_s, start_s + length_s / 2, *(d.time_s for d in document.detections or ())]
    if any(moments.at(time_s) for time_s in times if start_s <= time_s < part.end_s):
        assert moments.count
    assert moments.moving <= moments.count <= Moments(document).count


def test_a_keyframe_that_serves_several_samples_counts_once() -> None:
    document = document_of(two(), [[(0, 0), (1, 0)]], [])
    assert document.detections is not None
    twice = [replace(detection, pts_s=0.5) for detection in document.detections]
    moments = Moments(replace(document, detections=twice))
    assert moments.at(0.4) == []
    assert [thing.box[0] for thing in moments.at(0.5)] == [0.0]


def test_of_too_many_boxes_the_surest_are_shown() -> None:
    document = make_document()
    many = [DetectedObject(0, "cat", i / 100_000, (0.0, 0.0, 1.0, float(i))) for i in range(100_000)]
    moments = Moments(replace(document, detections=[Detection(0, 0.0, 0.0, many)], tracks=None))
    shown = moments.at(0.0)
    assert len(shown) == MAX_BOXES
    assert [thing.confidence for thing in shown] == sorted(found.confidence for found in many[-MAX_BOXES:])
    assert moments.crowded == 1


@pytest.mark.parametrize("change", [{"detections": None}, {"detections": []}, {"tracks": None}, {"scenes": None}])
def test_what_is_not_there_is_not_shown(change: dict[str, None]) -> None:
    moments = Moments(replace(make_document(), **change))
    assert len(moments.at(0.0)) == ("detections" not in change)
    assert moments.at(5.0) == []
