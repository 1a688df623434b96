"""What is left of a document when only some of its objects are wanted."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from framefleet.results.assemble.fusion import fuse
from framefleet.results.query.filters import choose, labels_of
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.scene import Scene
from tests.results.make import make_document

BOX = (0.0, 0.0, 10.0, 10.0)
Things = list[tuple[str, float]]


def seen(*pictures: Things | None) -> Document:
    """A document of these pictures; all cats in it, and what stands beside them, are one track each by place."""
    detections = [
        Detection(i, float(i), float(i), None if p is None else [DetectedObject(0, n, c, BOX) for n, c in p])
        for i, p in enumerate(pictures)
    ]
    places = max((len(p) for p in pictures if p), default=0)
    tracks = []
    for place in range(places):
        at = [(i, p[place]) for i, p in enumerate(pictures) if p and place < len(p)]
        boxes = [TrackBox(i, place, float(i), BOX, found[1]) for i, found in at]
        tracks.append(Track(place + 1, at[0][1][0], 0, boxes[0].time_s, boxes[-1].time_s, True, boxes))
    scenes = fuse([Scene(0, 0.0, 1.0, 0.5), Scene(1, 1.0, 9.0, 5.0)], {"objects": detections})
    return replace(make_document(), detections=detections, tracks=TracksResult(tracks), scenes=scenes)


def test_labels_come_as_a_list() -> None:
    assert labels_of(None) is None
    assert labels_of(" cat, traffic light,,cat ") == {"cat", "traffic light"}


def test_nothing_asked_for_leaves_all() -> None:
    document = make_document()
    assert choose(document, None, 0.0) is document


def test_only_the_objects_wanted_are_left_and_tracks_and_scenes_follow() -> None:
    document = seen([("dog", 0.9), ("cat", 0.8)], None, [("dog", 0.9), ("cat", 0.3)], [("dog", 0.9), ("cat", 0.7)], [])
    left = choose(document, frozenset({"cat"}), 0.5)
    assert left.detections is not None and left.tracks is not None and left.scenes is not None
    assert [d.objects and [(o.label, o.confidence) for o in d.objects] for d in left.detections] == [
        [("cat", 0.8)],
        None,
        [],
        [("cat", 0.7)],
        [],
    ]
    [track] = left.tracks.tracks
    assert (track.id, track.start_s, track.end_s) == (2, 0.0, 3.0)
    assert [(b.index, b.object) for b in track.boxes] == [(0, 0), (3, 0)]
    assert [scene.objects for scene in left.scenes] == [{"cat": 1}, {"cat": 1}]
    assert left.transcription == document.transcription


def test_a_track_lasts_from_the_first_to_the_last_box_that_is_left() -> None:
    left = choose(seen([("cat", 0.1)], [("cat", 0.8)], [("cat", 0.9)], [("cat", 0.2)]), None, 0.5)
    assert left.tracks is not None
    assert [(track.start_s, track.end_s) for track in left.tracks.tracks] == [(1.0, 2.0)]


things = st.lists(st.tuples(st.sampled_from(["cat", "dog"]), st.sampled_from([0.1, 0.5, 0.9])), max_size=4)


@given(st.lists(st.none() | things, max_size=5), st.sampled_from([None, frozenset({"cat"})]), st.sampled_from([0, 0.5]))
def test_every_box_of_a_track_is_still_where_it_says(
    pictures: list[Things | None], labels: object, conf: float
) -> None:
    left = choose(seen(*pictures), labels, conf)  # type: ignore[arg-type]
    assert left.detections is not None and left.tracks is not None
    for track in left.tracks.tracks:
        for box in track.boxes:
            objects = left.detections[box.index].objects
            assert objects is not None and objects[box.object].confidence == box.confidence >= conf
            assert labels is None or objects[box.object].label == "cat" == track.label
    assert choose(left, labels, conf) == left  # type: ignore[arg-type]


def test_scenes_are_counted_anew_by_the_same_sampling() -> None:
    document = seen([("cat", 0.9)], [("cat", 0.9)])
    assert document.detections is not None
    keyframe = [replace(detection, pts_s=0.5) for detection in document.detections]
    document = replace(document, detections=keyframe, config=replace(document.config, sampling="keyframes"))
    assert [scene.objects for scene in choose(document, None, 0.5).scenes or ()] == [{"cat": 1}, {}]
