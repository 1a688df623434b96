"""No box is lost; what is doubtful is called so; repeated keyframes count once."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framefleet.config.options import Options
from framefleet.errors import FrameFleetError
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.tracks import TracksResult
from framefleet.stages.tracks.result import tracks_of
from framefleet.stages.tracks.spec import TRACKS, TracksStage
from tests.stages.tracks.make import film, line, media, picture, places, thing, tracks

boxes = st.builds(
    lambda x, y, w, h, confidence, class_id: thing(x, y, w=w, h=h, confidence=confidence, class_id=class_id),
    st.floats(-50, 1330), st.floats(-50, 770), st.floats(0, 400), st.floats(0, 400), st.floats(0, 1), st.integers(0, 2),
)  # fmt: skip
films = st.lists(st.none() | st.lists(boxes, max_size=6), max_size=8).map(
    lambda pictures: [picture(k, objects) for k, objects in enumerate(pictures)]
)


@pytest.mark.full
@settings(max_examples=60, deadline=None)
@given(films)
def test_every_sure_box_is_in_exactly_one_track_and_each_track_goes_forward(detections: list[Detection]) -> None:
    result = tracks(detections)
    seen = [place for track in places(result) for place in track]
    there = {(d.index, k): o for d in detections for k, o in enumerate(d.objects or [])}
    assert len(seen) == len(set(seen)) <= len(there)
    assert {place for place, o in there.items() if o.confidence >= 0.25} <= set(seen)
    for track in result.tracks:
        times = [box.time_s for box in track.boxes]
        assert times == sorted(set(times))
        assert (track.start_s, track.end_s) == (times[0], times[-1])
        assert track.boxes[0].confidence >= 0.25
        assert all(there[box.index, box.object].box == box.box for box in track.boxes)


@settings(max_examples=30, deadline=None)
@given(films, st.randoms())
def test_the_order_of_arrival_does_not_matter(detections: list[Detection], chance: random.Random) -> None:
    shuffled = chance.sample(detections, len(detections))
    assert tracks(shuffled) == tracks(detections)


def test_pictures_without_an_answer_are_time_and_not_absence() -> None:
    detections = film([line(100, 200, 40, 0), line(1100, 500, -40, 0)], 16)
    detections[4:12] = [picture(index, None) for index in range(4, 12)]
    assert [len(track.boxes) for track in tracks(detections).tracks] == [8, 8]


def test_the_label_is_the_one_most_boxes_bear() -> None:
    detections = [picture(k, [thing(300 + 10 * k, 300, class_id=1 if k in (0, 4) else 2)]) for k in range(6)]
    (track,) = tracks(detections).tracks
    assert (track.label, track.class_id, len(track.boxes)) == ("kind 2", 2, 6)


def test_what_cannot_be_told_is_called_doubtful() -> None:
    """Like things thrown anew into every picture: no join of them means anything."""
    dice = random.Random(7)
    detections = [
        picture(k, [thing(dice.uniform(60, 1220), dice.uniform(60, 660)) for _ in range(15)]) for k in range(12)
    ]
    result = tracks(detections)
    joined = [track for track in result.tracks if len(track.boxes) > 1]
    assert sum(not track.certain for track in joined) > len(joined) / 2
    assert result.note is not None
    assert "--fps" in result.note


def test_far_apart_things_are_certain() -> None:
    result = tracks(film([line(200, 150, 10, 0), line(900, 550, -10, 0)], 6))
    assert [(track.id, track.certain) for track in result.tracks] == [(1, True), (2, True)]
    assert result.note is None


def test_times_of_the_frames_count_not_those_asked_for() -> None:
    """Pictures asked for each second began 0.4 to 1.6 s apart, and the thing moved so."""
    taken = [0.0, 1.4, 1.8, 3.4, 3.8, 5.4, 5.8]
    lanes = [(100.0, 90.0), (100.0, -0.0)]
    detections = [
        Detection(k, float(k), t, [thing(x + v * t, 300 + 120 * n) for n, (x, v) in enumerate(lanes)])
        for k, t in enumerate(taken)
    ]
    result = tracks(detections)
    assert places(result) == [[(k, n) for k in range(7)] for n in range(2)]
    assert [box.time_s for box in result.tracks[0].boxes] == [float(k) for k in range(7)]


def repeated(keyframes: list[tuple[float, int]], objects: list[list[DetectedObject]]) -> list[Detection]:
    """Keyframes as (time, how many samples each is the nearest to), a second apart, and what is in each."""
    shown = [(time, seen) for (time, samples), seen in zip(keyframes, objects, strict=True) for _ in range(samples)]
    return [Detection(k, float(k), time, seen) for k, (time, seen) in enumerate(shown)]


def test_a_keyframe_that_serves_many_samples_is_seen_once() -> None:
    detections = repeated([(0.0, 2), (3.28, 3), (5.76, 2)], [[], [thing(300, 300)], []])
    (track,) = tracks_of(detections, 1280, 720, sampling="keyframes").tracks
    assert (track.start_s, track.end_s, track.certain) == (3.28, 3.28, True)
    assert [(box.index, box.time_s) for box in track.boxes] == [(2, 3.28), (3, 3.28), (4, 3.28)]


def test_repeated_keyframes_are_joined_as_if_each_had_been_asked_for_once() -> None:
    """Not lost where a keyframe without the thing is the nearest to many samples, nor surer for two looks."""
    dice = random.Random(3)
    seen = [[thing(dice.uniform(60, 1220), dice.uniform(60, 660)) for _ in range(9)] for _ in range(6)]
    seen[2] = []
    times = [0.0, 1.4, 1.8, 3.4, 9.0, 9.4]
    samples = [1, 1, 5, 2, 3, 1]
    many = tracks_of(repeated(list(zip(times, samples, strict=True)), seen), 1280, 720, sampling="keyframes")
    once = tracks_of([Detection(k, t, t, o) for k, (t, o) in enumerate(zip(times, seen, strict=True))], 1280, 720)
    told = [[(t.start_s, t.end_s, t.certain, sorted({b.box for b in t.boxes})) for t in r.tracks] for r in (many, once)]
    assert told[0] == told[1]
    assert many.note == once.note
    assert len(many.ids()) == sum(n * len(o) for n, o in zip(samples, seen, strict=True))


def test_of_a_keyframe_looked_at_by_two_workers_the_boxes_are_paired_in_whatever_order() -> None:
    one, other = [thing(300, 300), thing(420, 300, confidence=0.6)], [thing(420.3, 299.8), thing(299.9, 300.2)]
    detections = [Detection(0, 0.0, 0.4, one), Detection(1, 1.0, 0.4, other), Detection(2, 2.0, 0.4, None)]
    assert places(tracks_of(detections, 1280, 720, sampling="keyframes")) == [[(0, 0), (1, 1)], [(0, 1), (1, 0)]]


def test_a_frame_that_stays_on_screen_is_seen_each_time_it_was_asked_for() -> None:
    (track,) = tracks([Detection(k, float(k), 0.0, [thing(300, 300)]) for k in range(10)]).tracks
    assert (track.start_s, track.end_s) == (0.0, 9.0)
    away = [Detection(k, k / 4, 2.0 * (k // 8), [] if k // 8 == 1 else [thing(300, 300)]) for k in range(24)]
    assert [(t.start_s, t.end_s) for t in tracks(away).tracks] == [(0.0, 1.75), (4.0, 5.75)]


@pytest.mark.parametrize("detections", [[], [picture(0, None)], [picture(0, []), picture(1, [])]])
def test_nothing_seen_makes_no_tracks(detections: list[Detection]) -> None:
    assert tracks(detections) == TracksResult([], None)


def test_one_picture_makes_a_track_of_each_box() -> None:
    assert places(tracks(film([line(100, 100, 0, 0), line(900, 500, 0, 0)], 1))) == [[(0, 0)], [(0, 1)]]


def test_the_stage_works_on_the_objects_found() -> None:
    stage = TracksStage()
    found = film([line(100, 100, 30, 0)], 3)
    result = stage.derive(media(), Options(), {"objects": found})
    assert (stage.name, TRACKS.needs) == ("tracks", ("objects",))
    assert result == tracks(found)
    assert result.ids() == {(0, 0): 1, (1, 0): 1, (2, 0): 1}
    keyframe = [Detection(k, float(k), 0.4, [thing(300, 300)]) for k in range(3)]
    (track,) = stage.derive(media(), Options(sampling="keyframes"), {"objects": keyframe}).tracks
    assert track.end_s == 0.4


@pytest.mark.parametrize("results", [{}, {"objects": None}])
def test_where_objects_came_to_nothing_nobody_can_say_what_moved(results: dict[str, None]) -> None:
    with pytest.raises(FrameFleetError, match="objects failed"):
        TracksStage().derive(media(), Options(), results)


def test_the_result_survives_json() -> None:
    result = tracks(film([line(100, 100, 30, 0)], 3))
    assert msgspec.json.decode(msgspec.json.encode(result), type=TracksResult) == result
