"""The detections of a video's frames, joined over time. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from framefleet.outputs.redaction.options import FACE
from framefleet.stages.finding import Found
from framefleet.timebase import Seconds
from framefleet.tracking.boxes import overlap
from framefleet.tracking.flow import NONE, learn
from framefleet.tracking.join import Frame, join
from framefleet.tracking.motion import sight


@dataclass(frozen=True, slots=True)
class Looks:
    """Every frame of the rendered part: when each is shown, in seconds from the part's start, ascending.

    `found` has the detections of each; None if the model skipped it because the ones before and after agree.
    """

    times: list[Seconds]
    found: list[list[Found] | None]

    def at(self, time_s: Seconds) -> int | None:
        """Return the number of the frame on screen at `time_s`; None before the first one."""
        place = bisect_right(self.times, time_s + 1e-6) - 1
        return place if place >= 0 else None


@dataclass(frozen=True, slots=True)
class Spotted:
    """A detection in the `frame`-th frame."""

    frame: int
    found: Found


Trail = list[Spotted]
"""The sightings of one object or face, by time."""


def trails(frames: Looks, width: int, height: int) -> list[Trail]:
    """Join all detections into trails. Each detection is in exactly one; many trails have one sighting.

    Faces are joined among themselves, and objects regardless of label: detectors confuse similar ones.
    """
    labels = sorted({one.label for found in frames.found for one in found or ()})
    groups = [[FACE], [label for label in labels if label != FACE]]
    return [trail for group in groups for trail in _joined(frames, group, width, height)]


def _joined(frames: Looks, labels: Sequence[str], width: int, height: int) -> Iterator[Trail]:
    looks = [
        (number, [one for one in found if one.label in labels])
        for number, found in enumerate(frames.found)
        if found is not None
    ]
    if not any(found for _, found in looks):
        return
    chains = join(
        [_frame(frames.times[number], found, labels, width, height) for number, found in looks],
        learn(NONE, NONE, float(np.hypot(width, height))),
        float(width * height),
    )
    left = {(place, column) for place, (_, found) in enumerate(looks) for column in range(len(found))}
    for chain in chains:
        left.difference_update(chain.boxes)
        yield [Spotted(looks[place][0], looks[place][1][column]) for place, column in chain.boxes]
    for place, column in sorted(left):  # of too low a score to start a track, but hidden too
        yield [Spotted(looks[place][0], looks[place][1][column])]


def _frame(time_s: Seconds, found: Sequence[Found], labels: Sequence[str], width: int, height: int) -> Frame:
    boxes = np.array([one.box for one in found], np.float64).reshape(-1, 4)
    kinds = np.array([labels.index(one.label) for one in found], np.int64)
    return Frame(time_s, sight(boxes, kinds, np.array([one.score for one in found], np.float64), width, height))


AGREE = 0.3
"""The minimum overlap of boxes in two frames that are one object moving evenly between them."""


def agree(before: Sequence[Found], after: Sequence[Found]) -> bool:
    """Return whether two frames have the same detections at nearly the same places, so that nothing appeared,
    disappeared or jumped between them."""
    left = list(after)
    for one in before:
        best = max(
            (other for other in left if other.label == one.label), key=lambda o: overlap(one.box, o.box), default=None
        )
        if best is None or overlap(one.box, best.box) < AGREE:
            return False
        left.remove(best)
    return not left
