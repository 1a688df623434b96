"""The tracks of a document among the detections of every frame. Pure.

A document has a track's boxes at its samples, often one per second. Between two samples the object must be one trail,
or one trail that ends and another that starts within 0.5 s. Otherwise the track is lost.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from framefleet.outputs.redaction.covers import HOLD_S
from framefleet.outputs.redaction.options import FACE
from framefleet.outputs.redaction.sightings import Looks, Spotted, Trail
from framefleet.schema.document import Document
from framefleet.schema.objects import Box
from framefleet.schema.tracks import Track
from framefleet.stages.finding import Found
from framefleet.timebase import Seconds, Span
from framefleet.tracking.boxes import between, overlap

SAME = 0.4
"""The minimum overlap of the document's box and a detection in the same frame that are the same object."""

CLOSE_S = 0.25
"""The maximum seconds between a sample of the document and the end or start of a trail that may be its object."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A track in every frame. `trails` are all that may belong to it, `sure` the sightings that do, by time.

    `lost` is the first stretch, on the clock of the frames, in which its place is unknown; None if there is none.
    """

    track: Track
    trails: list[Trail]
    sure: Trail
    lost: Span | None

    def box_at(self, number: int, times: Sequence[Seconds]) -> Box | None:
        """Return its certain box in a frame, or None if sightings around it are more than 0.5 s apart."""
        place = bisect_right(self.sure, number, key=lambda one: one.frame) - 1
        if place < 0:
            return None
        before = self.sure[place]
        if before.frame == number:
            return before.found.box
        if place + 1 == len(self.sure):
            return None
        after = self.sure[place + 1]
        first, last = times[before.frame], times[after.frame]
        if last - first > HOLD_S:
            return None
        return between(before.found.box, after.found.box, (times[number] - first) / (last - first))


def follow(
    track: Track, document: Document, frames: Looks, trails: Sequence[Trail], start_s: Seconds
) -> Followed | None:
    """Follow a track through all frames, which begin at `start_s` on the document's clock.

    Returns None where no sighting of it lies in them.
    """
    anchors = _anchors(track, document, frames, start_s)
    if not anchors:
        return None
    kinds = [trail for trail in trails if trail[0].found.label != FACE]
    matching = [_match(anchor, kinds, frames) for anchor in anchors]
    numbers = dict.fromkeys(number for number in matching if number is not None)
    sure = {anchor.frame: anchor for anchor in anchors}
    for anchor, number in zip(anchors, matching, strict=True):
        sure |= {one.frame: one for one in (kinds[number] if number is not None else ()) if one.frame == anchor.frame}
    for (before, one), (after, other) in pairwise(zip(anchors, matching, strict=True)):
        for sighting in _known_between(before, after, one, other, kinds):
            sure.setdefault(sighting.frame, sighting)
    order = [sure[frame] for frame in sorted(sure)]
    lost = _lost(order, frames) if numbers else Span(*(frames.times[anchors[at].frame] for at in (0, -1)))
    return Followed(track, [*(kinds[number] for number in numbers), anchors], order, lost)


def _anchors(track: Track, document: Document, frames: Looks, start_s: Seconds) -> Trail:
    """Return the document's own sightings, with the frames they are from."""
    shown = {one.index: one.shown_s for one in document.detections or ()}
    found: dict[int, Spotted] = {}
    end = frames.times[-1] + 1.0 if frames.times else 0.0
    for seen in track.boxes:
        time_s = shown.get(seen.index, seen.time_s) - start_s
        number = frames.at(time_s)
        if number is not None and time_s <= end:
            found.setdefault(number, Spotted(number, Found(track.label, seen.box, seen.confidence)))
    return [found[number] for number in sorted(found)]


def _match(anchor: Spotted, trails: Sequence[Trail], frames: Looks) -> int | None:
    """Return the number of the trail at the anchor's place in its frame; None if there is none."""
    best, most = None, SAME
    for number, trail in enumerate(trails):
        box = _box_in(trail, anchor.frame, frames)
        shared = overlap(box, anchor.found.box) if box is not None else 0.0
        if shared >= most:
            best, most = number, shared
    return best


def _box_in(trail: Trail, number: int, frames: Looks) -> Box | None:
    place = bisect_right(trail, number, key=lambda one: one.frame) - 1
    if place >= 0 and trail[place].frame == number:
        return trail[place].found.box
    if place < 0 or place + 1 == len(trail):
        end = trail[max(place, 0)]
        return end.found.box if abs(frames.times[end.frame] - frames.times[number]) <= CLOSE_S else None
    before, after = trail[place], trail[place + 1]
    first, last = frames.times[before.frame], frames.times[after.frame]
    return between(before.found.box, after.found.box, (frames.times[number] - first) / (last - first))


def _known_between(
    before: Spotted, after: Spotted, one: int | None, other: int | None, trails: Sequence[Trail]
) -> Iterator[Spotted]:
    """Yield the sightings between two anchors that certainly belong to the track."""
    for number in dict.fromkeys((one, other)):
        if number is None:
            continue
        trail = trails[number]
        inside = [sighting for sighting in trail if before.frame < sighting.frame < after.frame]
        whole = one == other
        ends = number == one and trail[-1].frame < after.frame
        begins = number == other and trail[0].frame > before.frame
        if whole or ends or begins:
            yield from inside


def _lost(sure: Trail, frames: Looks) -> Span | None:
    for before, after in pairwise(sure):
        first, last = frames.times[before.frame], frames.times[after.frame]
        if last - first > HOLD_S + 1e-6:
            return Span(first, last)
    return None


def kept(
    trails: Sequence[Trail], everything: Sequence[Trail], followed: Sequence[Followed], frames: Looks
) -> list[Trail]:
    """Return the trails without the certain sightings of the tracks `followed`; `everything` is all trails.

    A face belongs to a track if it is the only face in the track's box and in no other object's box. A trail with
    kept and other sightings is split: whatever is not certainly kept is hidden.
    """
    others = _by_frame(everything, faces=False)
    faces = _by_frame(everything, faces=True)
    safe: set[tuple[int, Found]] = set()
    for one in followed:
        own = {sighting.frame: sighting.found for sighting in one.sure}
        for sighting in one.sure:
            if sighting.found in others.get(sighting.frame, ()):
                safe.add((sighting.frame, sighting.found))
        for number, found in faces.items():
            box = one.box_at(number, frames.times)
            if box is None:
                continue
            inside = [face for face in found if _within(face.box, box)]
            if len(inside) != 1:
                continue
            rivals = [
                other
                for other in others.get(number, ())
                if other is not own.get(number) and overlap(other.box, box) < SAME
            ]
            if not any(_within(inside[0].box, rival.box) for rival in rivals):
                safe.add((number, inside[0]))
    return [run for trail in trails for run in _runs(trail, safe)]


def _by_frame(trails: Sequence[Trail], *, faces: bool) -> Mapping[int, list[Found]]:
    by: dict[int, list[Found]] = {}
    for trail in trails:
        for sighting in trail:
            if (sighting.found.label == FACE) == faces:
                by.setdefault(sighting.frame, []).append(sighting.found)
    return by


def _within(inner: Box, outer: Box) -> bool:
    """Return whether the centre of one box is in the other."""
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]


def _runs(trail: Trail, safe: set[tuple[int, Found]]) -> Iterator[Trail]:
    run: Trail = []
    for sighting in trail:
        if (sighting.frame, sighting.found) in safe:
            if run:
                yield run
            run = []
        else:
            run.append(sighting)
    if run:
        yield run
