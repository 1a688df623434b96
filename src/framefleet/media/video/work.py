"""The assignment of samples to GOPs. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain

from framefleet.media.video.gop import Gop, GopWindow, Remainder
from framefleet.media.video.packet import Step
from framefleet.media.video.view import Want


@dataclass(slots=True)
class DecodeWork:
    """One GOP, and the samples that its frames serve, in order of time."""

    window: GopWindow
    wants: list[Want]

    @property
    def size(self) -> int:
        """The size of its packets, in bytes."""
        return self.window.here.size


@dataclass(frozen=True, slots=True)
class FrameClock:
    """Conversion between the file's ticks and seconds on the video's clock, which is 0 at its first frame."""

    tick: Fraction
    start: Fraction

    def time(self, pts: int) -> Fraction:
        return pts * self.tick - self.start

    def ticks(self, time: Fraction) -> int:
        """Return the last tick that is not after `time`."""
        return (time + self.start) // self.tick


class DecodePlan:
    """An iterator of the tasks for exact sampling; after it, `rest` holds what is left, if anything.

    Reads only as far as the last sample needs; a GOP that serves no sample is not a task.
    """

    def __init__(self, parts: Iterable[GopWindow | Remainder], wants: Iterator[Want], clock: FrameClock) -> None:
        self._parts = parts
        self._wants = wants
        self._clock = clock
        self.rest: tuple[Iterator[Step], Iterator[Want]] | None = None

    def __iter__(self) -> Iterator[DecodeWork]:
        want = next(self._wants, None)
        parts = iter(self._parts)
        while want is not None:  # checked first: the next part may be far away
            part = next(parts, None)
            if part is None:
                break
            if isinstance(part, Remainder):
                self.rest = part.steps, chain([want], self._wants)
                return
            until = self._clock.time(part.after.shown[0]) if part.after is not None else None
            served: list[Want] = []
            while want is not None and (until is None or want.time < until):
                served.append(want)
                want = next(self._wants, None)
            if served:
                yield DecodeWork(part, served)
        if want is not None:
            self.rest = iter(()), chain([want], self._wants)


def keyframe_tasks(steps: Iterable[Step], wants: Iterable[Want], clock: FrameClock) -> Iterator[DecodeWork]:
    """Yield a task for each keyframe that is the nearest to a sample; of two equally near, the earlier one."""
    waiting = iter(wants)
    want = next(waiting, None)
    key: Gop | None = None
    for step in steps:
        packet = step[0]
        if want is None:
            return
        if not packet.is_keyframe or packet.pts is None or packet.is_discard or clock.time(packet.pts) < 0:
            continue
        if key is not None and packet.pts <= key.shown[0]:
            continue
        if key is not None:
            middle = (clock.time(key.shown[0]) + clock.time(packet.pts)) / 2
            served: list[Want] = []
            while want is not None and want.time <= middle:
                served.append(want)
                want = next(waiting, None)
            if served:
                yield DecodeWork(GopWindow(None, key, None, last=False), served)
        key = Gop()
        key.add(step, entry=True)
    if want is not None:
        yield DecodeWork(GopWindow(None, key or Gop(), None, last=True), [want, *waiting])
