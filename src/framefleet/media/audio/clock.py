"""Placing of audio frames on a line of samples that keeps to their timestamps. Pure.

Counting samples is not enough: packets are lost or repeated on the way, and sound cards have clocks of their own. Nor
are timestamps alone: containers round them, and sound that is captured in bursts is stamped in bursts. So a frame
follows the one before it, sample upon sample, until its own time and those of the next frames agree that the line is
off. A step is corrected at once, with silence or by dropping repeated sound; a smaller offset is a slow or fast clock,
and is corrected by playing slightly slower or faster.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import copysign
from typing import Generic, TypeVar

from framefleet.timebase import Seconds

QUIET_S: Seconds = 0.005
"""A smaller offset is ignored: containers round to 1 ms, and phones stamp sound to within a few."""

STEP_S: Seconds = 0.015
"""A larger offset is missing or repeated sound: a lost packet is 20 ms in most calls.

People notice that sound and picture are out of sync from 45 ms on (ITU-R BT.1359); words must be within 20 ms.
"""

_LOOK_S: Seconds = 0.15  # length of sound that must agree that the line is off; a jittering time is back by then
_LOOK_FRAMES = 3  # and at least so many frames: some are a second long
_SETTLE_S: Seconds = 0.1  # time in which a clock's error is corrected: one of 5 % stays within 5 + 5 ms
_WORST_CLOCK = 0.06  # of a frame's length: a smaller offset within one frame is clock drift, however long the frame is

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Heard(Generic[F]):
    """An audio frame of `length` s, and the time at which it begins by its timestamp; None: right after the one before.

    `anew`: it does not continue anything (the first frame, or one after damage), so that only its own time counts.
    """

    time: Seconds | None
    length: Seconds
    frame: F
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a frame, which begins at `start` on the line.

    `jump` is the distance from the end of the frame before, negative if they overlap; `stretch` is how much longer than
    its length it is played.
    """

    start: Seconds
    jump: Seconds = 0.0
    stretch: Seconds = 0.0


def lay(frames: Iterable[Heard[F]], start: Seconds) -> Iterator[tuple[Heard[F], Place]]:
    """Yield each frame with its place on a line that begins at `start`. About 0.15 s of frames are held."""
    ahead, held = deque[Heard[F]](), 0.0
    position = start
    for frame in frames:
        ahead.append(frame)
        held += frame.length
        while len(ahead) > _LOOK_FRAMES and held - ahead[0].length >= _LOOK_S:
            held -= ahead[0].length
            position = yield from _place_first(position, ahead)
    while ahead:
        position = yield from _place_first(position, ahead)


def _place_first(position: Seconds, ahead: deque[Heard[F]]) -> Generator[tuple[Heard[F], Place], None, Seconds]:
    place = place_of(position, ahead)
    here = ahead.popleft()
    yield here, place
    return place.start + here.length + place.stretch


def place_of(position: Seconds, ahead: Sequence[Heard[F]]) -> Place:
    """Return the place of the first of the frames `ahead` on a line that has reached `position`."""
    here = ahead[0]
    if here.time is None:
        jump = 0.0
    elif here.anew:
        jump = here.time - position
    else:
        jump = _off(position, ahead, _WORST_CLOCK)
        jump = jump if abs(jump) > STEP_S else 0.0
    start = position + jump
    late = _off(start + here.length, islice(ahead, 1, None), 0.0)
    off = abs(late)
    if QUIET_S < off < max(STEP_S, _WORST_CLOCK * here.length):
        return Place(start, jump, copysign((off - QUIET_S) * min(1.0, here.length / _SETTLE_S), late))
    return Place(start, jump)


def _off(position: Seconds, ahead: Iterable[Heard[F]], clock: float) -> Seconds:
    """Return how much later (negative: earlier) all these frames come than the line has them, at least.

    0 if they disagree. Later frames may be off by less than the first: `clock` s per second may be due to their clock.
    """
    least, after = 0.0, 0.0
    for frame in ahead:
        if frame.anew:
            break
        if frame.time is not None:
            late = frame.time - position - after
            off = (abs(late) if late * least >= 0 else -abs(late)) + clock * after
            if off <= QUIET_S:
                return 0.0
            if not least or off < abs(least):
                least = copysign(off, least or late)
        after += frame.length
    return least
