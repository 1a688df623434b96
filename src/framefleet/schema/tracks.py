"""Which objects are the same thing over time, and how far that can be trusted."""

import msgspec

from framefleet.schema.objects import Box
from framefleet.timebase import Seconds


class TrackBox(msgspec.Struct, frozen=True, gc=False):
    """One sighting: the `object`-th object of the `index`-th detection. `box` is x1, y1, x2, y2 in source pixels.

    `time_s` is when the picture counts: when it was asked for, but with `sampling` `keyframes` when it begins.
    """

    index: int
    object: int
    time_s: Seconds
    box: Box
    confidence: float


class Track(msgspec.Struct, frozen=True):
    """One thing over time. Ids count from 1 in the order of first sight.

    `label` is the one that most of its detections bear. `start_s` and `end_s` are its first and last sighting.
    `certain` is False where the boxes may well be joined otherwise, by the stage's own model of motion. What was seen
    once has no join to doubt, and is certain. Where the result has a `note`, trust even certain tracks less.
    """

    id: int
    label: str
    class_id: int
    start_s: Seconds
    end_s: Seconds
    certain: bool
    boxes: list[TrackBox]


class TracksResult(msgspec.Struct, frozen=True):
    """All tracks by id. `note` says, in one line, where pictures are too far apart for the motion; else null."""

    tracks: list[Track]
    note: str | None = None

    def ids(self) -> dict[tuple[int, int], int]:
        """The track's id of each object that has one, by (detection's index, place in its `objects`)."""
        return {(seen.index, seen.object): track.id for track in self.tracks for seen in track.boxes}
