"""The boxes to draw at a time, and the texts on how they are drawn, from a document alone. Pure.

Between two samples nothing was detected. There, a box *moves* on a straight line to the next box of its track, if that
belongs to the next answered sample, at most 2 s later, in the same scene. Any other box is *held* until the next sample
or cut. Neither is a detection: `seen` is true only in the sampled frame itself.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from msgspec import UNSET

from framefleet.media.types import MediaInfo
from framefleet.outputs.render.lettering import is_whole
from framefleet.outputs.render.options import RenderOptions
from framefleet.results.query.availability import failed
from framefleet.results.query.intervals import commonest
from framefleet.schema.document import Document
from framefleet.schema.objects import Box, DetectedObject, Detection
from framefleet.schema.tracks import Track
from framefleet.timebase import Seconds, Span
from framefleet.tracking.boxes import between

MAX_GAP_S = 2.0
"""For longer gaps a straight line is a poor guess: a walking person has turned, stopped or left."""

MAX_BOXES = 300
"""Maximum boxes per frame, those with the highest confidence; the detector's default maximum."""

TOO_FAR = f"the samples of a track are more than {MAX_GAP_S:g} s apart"
NOT_IN_A_ROW = "no track has two consecutive samples"
CUT = "there is a cut between the samples of each track"
MIXED = "no track has two consecutive samples, close together and in one scene"
"""Why boxes that have tracks do not move."""

MOVED = "dashed: moved or held between samples"
HELD = "dashed: held until the next sample"
"""The legends."""

_TOLD = 3  # labels listed of those that cannot be drawn
_ROUNDING_S = 1e-6  # tolerance for times in a document


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box to draw, x1, y1, x2, y2 in source pixels. `seen`: detected in this frame, neither moved nor held."""

    label: str
    class_id: int
    confidence: float
    box: Box
    track: int | None
    certain: bool
    seen: bool


@dataclass(frozen=True, slots=True)
class _Piece:
    """A detected object and the time until it is drawn. `goal` is the time and box that it moves to, if any."""

    found: DetectedObject
    track: Track | None
    until_s: Seconds
    goal: tuple[Seconds, Box] | None


_Kept = dict[tuple[int, int], tuple[Seconds, DetectedObject]]
"""Start of the frame and the object, by index of the detection and position in its objects."""


class Moments:
    """The boxes of a document by time; `at(time)` takes O(log n + boxes).

    With `move` boxes move where they can, else all are held. `count` is the number of boxes visible in `span`, and
    `moving` that of those that move; if none does although there are tracks, `hurdle` says why. `crowded` counts the
    frames with more than MAX_BOXES.
    """

    def __init__(self, document: Document, *, move: bool = True, span: Span | None = None) -> None:
        looked = sorted(document.detections or (), key=lambda detection: detection.shown_s)
        self._step_s = document.config.step_s
        self._parted = document.config.parts is not UNSET
        self._cuts = sorted(scene.start_s for scene in document.scenes or ())
        self._all = sorted({detection.shown_s for detection in looked})
        self._times: list[Seconds] = []  # of answered frames
        self._pieces: list[list[_Piece]] = []
        self.crowded = 0
        tracks = document.tracks.tracks if document.tracks is not None else []
        self._hurdles: Counter[str] = Counter()
        self._place(self._kept(looked), tracks, move=move)
        within = list(self._within(span or Span(float("-inf"), float("inf"))))
        self.count, self.moving = len(within), sum(piece.goal is not None for piece in within)
        self.hurdle = self._hurdle() if move and tracks and not self.moving else None

    def at(self, time_s: Seconds) -> list[DrawnBox]:
        """Return the boxes for the frame that begins at `time_s`, by ascending confidence: the surest are on top."""
        place = bisect_right(self._times, time_s + _ROUNDING_S) - 1
        if place < 0:
            return []
        since_s = self._times[place]
        if time_s <= since_s + _ROUNDING_S:
            return [_shown(piece, piece.found.box, seen=True) for piece in self._pieces[place]]
        return [
            _shown(piece, _moved(piece, since_s, time_s), seen=False)
            for piece in self._pieces[place]
            if time_s < piece.until_s - _ROUNDING_S
        ]

    def _kept(self, looked: list[Detection]) -> _Kept:
        kept: _Kept = {}
        for detection in looked:
            time_s, objects = detection.shown_s, detection.objects
            if objects is None or self._times[-1:] == [time_s]:  # a keyframe may have served several samples
                continue
            self.crowded += len(objects) > MAX_BOXES
            self._times.append(time_s)
            surest = heapq.nlargest(MAX_BOXES, enumerate(objects), key=lambda item: item[1].confidence)
            kept.update({(detection.index, place): (time_s, found) for place, found in surest})
        return kept

    def _place(self, kept: _Kept, tracks: list[Track], *, move: bool) -> None:
        track_of = {(seen.index, seen.object): track for track in tracks for seen in track.boxes}
        goals = self._goals(tracks, kept) if move else {}
        places = {time_s: place for place, time_s in enumerate(self._times)}
        self._pieces = [[] for _ in self._times]
        for name, (time_s, found) in kept.items():
            goal = goals.get(name)
            until_s = goal[0] if goal else self._held_until(time_s)
            self._pieces[places[time_s]].append(_Piece(found, track_of.get(name), until_s, goal))
        for pieces in self._pieces:
            pieces.sort(key=lambda piece: piece.found.confidence)

    def _within(self, span: Span) -> Iterator[_Piece]:
        """Yield the pieces visible at any time of `span`."""
        for time_s, pieces in zip(self._times, self._pieces, strict=True):
            if time_s < span.end_s:
                yield from (piece for piece in pieces if time_s >= span.start_s or piece.until_s > span.start_s)

    def _hurdle(self) -> str:
        return next(iter(self._hurdles), NOT_IN_A_ROW) if len(self._hurdles) < 2 else MIXED

    def _goals(self, tracks: list[Track], kept: _Kept) -> dict[tuple[int, int], tuple[Seconds, Box]]:
        goals = {}
        for track in tracks:
            names = [(seen.index, seen.object) for seen in track.boxes]
            for here, there in pairwise(name for name in names if name in kept):
                start_s, (end_s, found) = kept[here][0], kept[there]
                hurdle = self._between(start_s, end_s)
                if hurdle is None:
                    goals[here] = (end_s, found.box)
                else:
                    self._hurdles[hurdle] += 1
        return goals

    def _between(self, start_s: Seconds, end_s: Seconds) -> str | None:
        """Return what keeps a box from moving between these samples; None if they are consecutive, close and uncut."""
        if bisect_left(self._times, end_s) - bisect_left(self._times, start_s) != 1:
            return NOT_IN_A_ROW
        if end_s - start_s > MAX_GAP_S + _ROUNDING_S:
            return TOO_FAR
        return CUT if self._cut_after(start_s) <= end_s else None

    def _held_until(self, time_s: Seconds) -> Seconds:
        """Return the time of the next sample, answered or not, or of a cut before it; a step later for the last one."""
        following = bisect_right(self._all, time_s)
        later_s = time_s + self._step_s
        sample_s = self._all[following] if following < len(self._all) else later_s
        if self._parted and sample_s > later_s + _ROUNDING_S:  # the part that was analyzed ends before it
            sample_s = later_s
        return min(sample_s, self._cut_after(time_s))

    def _cut_after(self, time_s: Seconds) -> Seconds:
        following = bisect_right(self._cuts, time_s)
        return self._cuts[following] if following < len(self._cuts) else float("inf")


def _moved(piece: _Piece, since_s: Seconds, time_s: Seconds) -> Box:
    if piece.goal is None:
        return piece.found.box
    end_s, there = piece.goal
    return between(piece.found.box, there, (time_s - since_s) / (end_s - since_s))


def _shown(piece: _Piece, box: Box, *, seen: bool) -> DrawnBox:
    track = piece.track
    return DrawnBox(
        label=piece.found.label,
        class_id=piece.found.class_id,
        confidence=piece.found.confidence,
        box=box,
        track=track.id if track is not None else None,
        certain=track is None or track.certain,
        seen=seen,
    )


class Account:
    """A description of how the boxes of `moments`, made from `document`, are drawn on the video `media`."""

    def __init__(self, document: Document, media: MediaInfo, look: RenderOptions, moments: Moments) -> None:
        self._document, self._look, self._moments = document, look, moments
        self._is_dense = document.config.fps >= media.fps and document.config.sampling == "exact"

    @property
    def legend(self) -> str | None:
        """The meaning of dashed boxes; None if there are none, or without a legend."""
        if not self._look.legend or not self._moments.count or self._is_dense:
            return None
        return MOVED if self._moments.moving else HELD

    @property
    def boxes(self) -> str:
        """How the boxes are drawn."""
        if self._document.detections is None:
            return "no boxes: the objects stage did not run"
        if not self._moments.count:
            error = failed(self._document, "detections")
            return f"no boxes: objects failed ({error})" if error else "no boxes: no objects"
        if self._is_dense:
            return "boxes as detected in every frame"
        if self._moments.moving:
            return "boxes moved along their tracks between samples, others held (dashed)"
        return f"boxes held until the next sample (dashed){self._why}"

    @property
    def _why(self) -> str:
        if self._look.boxes == "hold":
            return ""
        return f", since {self._moments.hurdle or 'there are no tracks'}"

    @property
    def notes(self) -> list[str]:
        """Differences from the document, a line each."""
        notes, crowded = [], self._moments.crowded
        if crowded:
            notes.append(f"more than {MAX_BOXES} boxes in {crowded} of the frames: the most confident are drawn")
        if lost := [label for label in commonest(self._document) if not is_whole(label)]:
            named = ", ".join(lost[:_TOLD]) + (", …" if len(lost) > _TOLD else "")
            notes.append(f"{len(lost)} of the labels cannot be drawn; the class number is shown instead: {named}")
        return notes
