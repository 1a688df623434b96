"""The result of the tracks stage, and how reliable it is."""

import msgspec

from framefleet.schema.objects import Box
from framefleet.timebase import Seconds


class TrackBox(msgspec.Struct, frozen=True, gc=False):
    """One sighting: the `object`-th object of the `index`-th detection. `box` is x1, y1, x2, y2 in source pixels.

    `time_s` is the sample's time; with `sampling` `keyframes`, the time at which its frame begins.
    """

    index: int
    object: int
    time_s: Seconds
    box: Box
    confidence: float


class Track(msgspec.Struct, frozen=True):
    """One object over time. Ids count from 1 in the order of first sight.

    `label` is the most frequent one among its detections. `start_s` and `end_s` are its first and last sighting.
    `certain` is False if another joining of the boxes is plausible by the stage's model of motion. A track with a
    single sighting has no joins, and is certain. If the result has a `note`, even certain tracks are less reliable.
    """

    id: int
    label: str
    class_id: int
    start_s: Seconds
    end_s: Seconds
    certain: bool
    boxes: list[TrackBox]


class TracksResult(msgspec.Struct, frozen=True):
    """All tracks by id. `note` is a line that says if samples are too far apart for the motion; else null."""

    tracks: list[Track]
    note: str | None = None

    def ids(self) -> dict[tuple[int, int], int]:
        """Return the track id of each object that has one, by (index of the detection, index in its `objects`)."""
        return {(seen.index, seen.object): track.id for track in self.tracks for seen in track.boxes}
