"""Which of what was found is a track of the document: followed from sample to sample, or lost."""

from msgspec.structs import replace

from framefleet.outputs.redaction.follow import Followed, follow, kept
from framefleet.outputs.redaction.sightings import Looks, trails
from framefleet.schema.document import Document
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.finding import Found
from tests.results.make import make_document

SIZE = (1280, 720)


def box_at(number: float, speed: float = 4.0) -> tuple[float, float, float, float]:
    return 100 + speed * number, 200, 200 + speed * number, 500


def document(track: Track) -> Document:
    seen = [
        Detection(b.index, b.time_s, b.time_s, [DetectedObject(0, track.label, b.confidence, b.box)])
        for b in track.boxes
    ]
    return replace(make_document(), detections=seen, tracks=TracksResult([track]))


def track_at(*numbers: int) -> Track:
    """A person whose samples are these frames, at 25 a second."""
    boxes = [TrackBox(place, 0, number / 25, box_at(number), 0.9) for place, number in enumerate(numbers)]
    return Track(7, "person", 0, boxes[0].time_s, boxes[-1].time_s, True, boxes)


def frames_of(found: dict[int, list[Found]], count: int = 51) -> Looks:
    return Looks([n / 25 for n in range(count)], [found.get(n, []) for n in range(count)])


def person(number: int, speed: float = 4.0) -> Found:
    return Found("person", box_at(number, speed), 0.8)


def followed(found: dict[int, list[Found]], track: Track | None = None) -> Followed:
    track, frames = track or track_at(0, 25, 50), frames_of(found)
    came = follow(track, document(track), frames, trails(frames, *SIZE), 0.0)
    assert came is not None
    return came


def test_a_track_is_followed_where_the_same_thing_is_found_between_its_samples() -> None:
    came = followed({n: [person(n)] for n in range(0, 51, 3)})
    assert came.lost is None
    assert came.box_at(7, [n / 25 for n in range(51)]) == box_at(7)


def test_a_track_that_nothing_is_found_of_for_more_than_half_a_second_is_lost() -> None:
    came = followed({n: [person(n)] for n in (*range(0, 28, 3), *range(42, 51, 3))})
    assert came.lost is not None
    assert (came.lost.start_s, came.lost.end_s) == (27 / 25, 42 / 25)


def test_what_walks_away_from_a_track_does_not_stand_for_it() -> None:
    """It was at the first sample's place, and at the next one's it is elsewhere."""
    came = followed({n: [person(n, speed=-30.0)] for n in range(0, 51, 3)})
    assert came.lost is not None
    assert came.lost.end_s <= 1.0


def test_a_track_of_one_sample_that_nothing_is_found_of_is_lost() -> None:
    """How long it was in sight, only the pass over every frame could tell."""
    assert followed({}, track_at(25)).lost is not None
    assert followed({n: [person(n)] for n in range(20, 30)}, track_at(25)).lost is None


def test_what_was_at_a_tracks_place_long_before_is_not_the_track() -> None:
    assert followed({n: [person(25)] for n in range(20, 23)}, track_at(25)).lost is None
    assert followed({n: [person(25)] for n in range(11)}, track_at(25)).lost is not None


def test_a_track_outside_of_the_part_is_not_there() -> None:
    frames = frames_of({})
    track = track_at(200, 225)
    assert follow(track, document(track), frames, [], 0.0) is None


def face(number: int, off: float = 30.0) -> Found:
    x, y, *_ = box_at(number)
    return Found("face", (x + off, y + 10, x + off + 40, y + 60), 0.8)


def spared(found: dict[int, list[Found]]) -> list[tuple[int, str]]:
    """What is covered all the same of what was found, while track 7 is kept."""
    frames = frames_of(found)
    everything = trails(frames, *SIZE)
    track = track_at(0, 25, 50)
    one = follow(track, document(track), frames, everything, 0.0)
    assert one is not None
    return sorted((s.frame, s.found.label) for trail in kept(everything, everything, [one], frames) for s in trail)


def test_a_kept_track_and_its_face_are_left_as_they_are() -> None:
    assert spared({n: [person(n), face(n)] for n in range(51)}) == []


def test_a_second_face_in_a_kept_track_has_both_covered() -> None:
    assert spared({n: [person(n), face(n), face(n, 50.0)] if n == 30 else [person(n), face(n)] for n in range(51)}) == [
        (30, "face"),
        (30, "face"),
    ]


def test_a_face_that_may_be_anothers_is_covered() -> None:
    x, y, *_ = box_at(30)
    other = Found("person", (x + 40, y, x + 240, y + 150), 0.8)
    hidden = spared({n: [person(n), face(n), *([other] if n == 30 else [])] for n in range(51)})
    assert (30, "face") in hidden
    assert (30, "person") in hidden


def test_a_face_is_covered_while_the_kept_track_is_lost() -> None:
    found = {n: [face(n), *([person(n)] if n < 10 or n > 40 else [])] for n in range(51)}
    hidden = spared(found)
    assert (17, "face") in hidden
    assert (5, "face") not in hidden
