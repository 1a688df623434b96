"""Where each frame of sound goes on a line of samples that keeps to its timestamps. Pure.

Samples alone do not tell the time: packets are lost on the way, given twice, and sound cards have clocks of their own.
Timestamps alone do not, either: containers round them, and what is captured in bursts is stamped in bursts. So a frame
follows the one before it, sample upon sample, until its time and those of the frames that come next agree that the line
has gone wrong. A step is made good at once, by silence or by leaving out what has been heard; less than that is a clock
that goes slow or fast, and is made good by playing a little slower or faster.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import copysign
from typing import Generic, TypeVar

from framefleet.timebase import Seconds

QUIET_S: Seconds = 0.005
"""Times that are off by less are let be: containers round to 1 ms, and phones stamp sound to within a few."""

STEP_S: Seconds = 0.015
"""What the line is off by more is missing sound, or sound given twice: a lost packet is 20 ms of most calls. A person
sees sound and picture part from 45 ms on (ITU-R BT.1359); words are to be within 20 ms."""

_LOOK_S: Seconds = 0.15  # of sound that must agree that the line is wrong; a time that wanders is back by then
_LOOK_FRAMES = 3  # and at least as many frames: some hold a second
_SETTLE_S: Seconds = 0.1  # in which a clock's error is made good: one of 5 % stays within 5 + 5 ms
_WORST_CLOCK = 0.06  # of a frame's length: what is off by less within one frame is its clock, however long it is

F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Heard(Generic[F]):
    """A frame of sound of `length` s, and when its timestamp has it begin; None: right after the one before.

    `anew`: nothing leads up to it (the first one, or after damage), so that its own time alone counts.
    """

    time: Seconds | None
    length: Seconds
    frame: F
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A frame begins at `start` on the line; `jump` is what lies between the frame before and it, negative where they
    overlap, and by `stretch` it is played longer than it is."""

    start: Seconds
    jump: Seconds = 0.0
    stretch: Seconds = 0.0


def lay(frames: Iterable[Heard[F]], start: Seconds) -> Iterator[tuple[Heard[F], Place]]:
    """Every frame with its place on a line that begins at `start`. Some 0.15 s of frames are held."""
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
    """The place of the first of the frames `ahead` on a line that has come to `position`."""
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
    """By how much all these frames come later than the line has it (less than 0: earlier), at least; 0 if they do not
    agree. They need not be off by as much as the first as time goes on: `clock` s less a second may be their clock's.
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
