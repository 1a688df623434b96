"""The step from detections to tracks. Pure."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from math import prod

import numpy as np

from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.tracks import Track, TrackBox, TracksResult
from framefleet.stages.when import counted_s
from framefleet.timebase import Span
from framefleet.tracking.join import SURE, Chain, Frame, again, join_again
from framefleet.tracking.motion import sight

MANY = 0.1
"""The share of uncertain joins from which the result has a note."""


def tracks_of(
    detections: Sequence[Detection], width: int, height: int, *, parts: Sequence[Span] = (), sampling: str = "exact"
) -> TracksResult:
    """Return the tracks of all objects in a `width` × `height` video; `detections` may be in any order.

    Samples without an answer (`objects` null) are ignored, not counted as misses. Every box of confidence 0.25 or more
    is in exactly one track, others in one or in none. With `sampling` "keyframes" several samples may show one
    keyframe: it counts once, at its own time, and the boxes of the other samples are matched to those of the first.

    No track goes on from one of the `parts` of the video to the next.
    """
    answered = sorted((d for d in detections if d.objects is not None), key=lambda d: (d.time_s, d.index))
    tracks: list[Track] = []
    chains: list[Chain] = []
    for _, some in groupby(answered, key=lambda one: bisect_right(parts, one.time_s, key=lambda part: part.start_s)):
        looks = _looks(list(some), sampling)
        frames = [_frame(look[0], width, height) for look in looks]
        joined = join_again(frames, width, height)
        seen = [_sightings(look, frame, width, height) for look, frame in zip(looks, frames, strict=True)]
        tracks += [_track(n, chain, seen, sampling) for n, chain in enumerate(joined, len(tracks) + 1)]
        chains += joined
    return TracksResult(tracks, _note(chains))


def _looks(answered: Sequence[Detection], sampling: str) -> list[list[Detection]]:
    """Return the samples of each distinct frame."""
    if sampling == "exact":
        return [[detection] for detection in answered]
    return [list(same) for _, same in groupby(answered, key=lambda detection: detection.shown_s)]


def _sightings(look: Sequence[Detection], frame: Frame, width: int, height: int) -> list[list[tuple[Detection, int]]]:
    """Return where each box of the frame, by its index in the first sample, is in all its samples."""
    first, *others = look
    places = [[(first, column)] for column in range(len(frame.seen))]
    for other in others:
        for column, place in again(frame.seen, _frame(other, width, height).seen, float(width * height)):
            places[column].append((other, place))
    return places


def _frame(detection: Detection, width: int, height: int) -> Frame:
    """Return the frame at its own time, because that is when the object was there."""
    objects = detection.objects or []
    boxes = np.array([thing.box for thing in objects], np.float64).reshape(-1, 4)
    class_id = np.array([thing.class_id for thing in objects], np.int64)
    confidence = np.array([thing.confidence for thing in objects], np.float64)
    return Frame(detection.shown_s, sight(boxes, class_id, confidence, width, height))


def _track(number: int, chain: Chain, seen: Sequence[list[list[tuple[Detection, int]]]], sampling: str) -> Track:
    sightings = [sighting for place, column in chain.boxes for sighting in seen[place][column]]
    boxes = [_box(detection, column, sampling) for detection, column in sightings]
    kinds = Counter((_thing(*at).class_id, _thing(*at).label) for at in sightings)
    (class_id, label), _ = kinds.most_common(1)[0]
    return Track(number, label, class_id, boxes[0].time_s, boxes[-1].time_s, prod(chain.chances) >= SURE, boxes)


def _thing(detection: Detection, column: int) -> DetectedObject:
    return (detection.objects or [])[column]


def _box(detection: Detection, column: int, sampling: str) -> TrackBox:
    thing, time_s = _thing(detection, column), counted_s(detection.time_s, detection.pts_s, sampling)
    return TrackBox(detection.index, column, time_s, thing.box, thing.confidence)


def _doubtful(chain: Chain) -> int:
    """Return how many of its joins are uncertain."""
    return sum(chance < SURE for chance in chain.chances)


def _note(chains: Sequence[Chain]) -> str | None:
    joins, doubtful = sum(len(chain.chances) for chain in chains), sum(map(_doubtful, chains))
    if not joins or doubtful < MANY * joins:
        return None
    return (
        f"{doubtful} of {joins} joins are uncertain: between two frames objects move too far to tell similar ones "
        "apart; use a higher --fps"
    )
