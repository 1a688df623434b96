"""Which parts of which frame are covered. Pure.

An object or face is covered in every frame from 0.5 s before its first sighting to 0.5 s after its last, by a box with
1.3 times its sides: detectors find a face a few frames after it appears, and lose one that turns away.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from framefleet.outputs.redaction.sightings import Looks, Trail
from framefleet.schema.objects import Box
from framefleet.timebase import Seconds
from framefleet.tracking.boxes import between, hull, overlap

LARGER = 1.3
HOLD_S = 0.5
FAR = 0.1
"""The overlap below which two successive sightings may be of two objects, so that both places are held too."""
STRAY = 1.0
"""The maximum distance that a held box is extended in the direction of motion, in its own sides."""


@dataclass(frozen=True, slots=True)
class Cover:
    """A part of a frame to cover, in source pixels, because of something with that `label`.

    `how`: it was `found` in this very frame, is known from frames `between` which it lies, or `held` before or after
    it was found. `score` is the detector's there, or where it was found last; `box` is the thing's own.
    """

    label: str
    box: Box
    covered: Box
    how: Literal["found", "between", "held"]
    score: float


def covers(trails: Iterable[Trail], times: Sequence[Seconds]) -> Iterator[list[Cover]]:
    """Yield the covers of each frame in order; `times` are when the frames are shown, in seconds."""
    waiting = sorted((_Cover(trail, times) for trail in trails), key=lambda one: one.begin, reverse=True)
    active: list[_Cover] = []
    for number in range(len(times)):
        while waiting and waiting[-1].begin <= number:
            active.append(waiting.pop())
        active = [one for one in active if number <= one.end]
        yield [cover for one in active for cover in one.at(number)]


class _Cover:
    """The covers of one trail. `begin` and `end` are the numbers of its first and last frame."""

    def __init__(self, trail: Trail, times: Sequence[Seconds]) -> None:
        self._trail, self._times = trail, times
        self._numbers = [sighting.frame for sighting in trail]
        self.begin = bisect_left(times, times[self._numbers[0]] - HOLD_S - 1e-6)
        self.end = bisect_right(times, times[self._numbers[-1]] + HOLD_S + 1e-6) - 1

    def at(self, number: int) -> Iterator[Cover]:
        place = bisect_right(self._numbers, number) - 1
        if place < 0:
            yield self._held(0, number)
        elif self._numbers[place] == number:
            yield self._cover(place, self._trail[place].found.box, "found")
        elif place == len(self._trail) - 1:
            yield self._held(place, number)
        else:
            yield from self._between(place, number)

    def _between(self, place: int, number: int) -> Iterator[Cover]:
        """Cover both sightings around a frame and every place between them."""
        before, after = (self._trail[at].found for at in (place, place + 1))
        first, last, now = (self._times[at] for at in (self._numbers[place], self._numbers[place + 1], number))
        if overlap(before.box, after.box) >= FAR:
            yield self._cover(place, hull(before.box, after.box), "between")
            return
        share = (now - first) / (last - first)
        step = 1 / max(1, self._numbers[place + 1] - self._numbers[place])
        path = hull(*(between(before.box, after.box, min(max(share + way, 0.0), 1.0)) for way in (-step, step)))
        yield self._cover(place, path, "between")
        if now - first <= HOLD_S:
            yield self._cover(place, before.box, "held")
        if last - now <= HOLD_S:
            yield self._cover(place + 1, after.box, "held")

    def _held(self, place: int, number: int) -> Cover:
        """Cover the place of the nearest sighting, extended in the direction of motion."""
        box = self._trail[place].found.box
        other = place + 1 if place == 0 else place - 1
        if not 0 <= other < len(self._trail):
            return self._cover(place, box, "held")
        here, there = (self._times[self._numbers[at]] for at in (place, other))
        share = (self._times[number] - here) / (there - here)
        off = [a - b for a, b in zip(between(box, self._trail[other].found.box, share), box, strict=True)]
        across, down = (STRAY * (box[at + 2] - box[at]) for at in (0, 1))
        x, y = ((min(max((off[at] + off[at + 2]) / 2, -most), most)) for at, most in ((0, across), (1, down)))
        return self._cover(place, hull(box, (box[0] + x, box[1] + y, box[2] + x, box[3] + y)), "held")

    def _cover(self, place: int, box: Box, how: Literal["found", "between", "held"]) -> Cover:
        found = self._trail[place].found
        return Cover(found.label, found.box, larger(box), how, found.score)


def larger(box: Box, times: float = LARGER) -> Box:
    """Return the box with the same centre and sides `times` as long."""
    x1, y1, x2, y2 = box
    across, down = (x2 - x1) * (times - 1) / 2, (y2 - y1) * (times - 1) / 2
    return x1 - across, y1 - down, x2 + across, y2 + down


UNSURE = 0.5
"""The score below which a sighting is listed as unsure: 49 of 55 faces scored above it, and nothing else did."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The frame of a second with the least certain cover. `unsure` has the reasons to check it, in words."""

    number: int
    time_s: Seconds
    counts: dict[str, int]
    smallest: tuple[int, int] | None
    unsure: list[str]


def worst_of(frames: Looks, covered: Iterable[Sequence[Cover]]) -> list[Worst]:
    """Return the worst frame of each second that has frames."""
    worst: dict[int, tuple[float, Worst]] = {}
    for number, some in enumerate(covered):
        time_s = frames.times[number]
        second, doubt = int(time_s), _doubt(some)
        if second not in worst or doubt > worst[second][0]:
            worst[second] = doubt, _worst(number, time_s, some)
    return [one for _, (_, one) in sorted(worst.items())]


def _doubt(covered: Sequence[Cover]) -> float:
    """Rate how uncertain covers are. A held one counts more than a low score, because the object may have moved."""
    return max(
        ((1 - one.score) + 0.5 * (one.how == "held") + 0.1 * (one.how == "between") for one in covered), default=0.0
    )


def _worst(number: int, time_s: Seconds, covered: Sequence[Cover]) -> Worst:
    seen = list({(one.label, one.box): one for one in covered}.values())
    counts = {label: sum(one.label == label for one in seen) for label in sorted({one.label for one in seen})}
    sides = [(round(one.box[2] - one.box[0]), round(one.box[3] - one.box[1])) for one in seen]
    unsure = [f"{one.label} found with a score of {one.score:.2f}" for one in seen if one.score < UNSURE]
    held = sum(one.how == "held" for one in seen)
    if held:
        unsure.append(f"{held} held where nothing was found")
    return Worst(number, time_s, counts, min(sides, key=lambda side: side[0] * side[1], default=None), unsure)
