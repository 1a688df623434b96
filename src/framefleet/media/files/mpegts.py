"""Missing bytes in an MPEG transport stream, of which FFmpeg's reader reports little (ISO/IEC 13818-1, 2.4.3).

Each packet of a stream carries a four-bit counter. A counter that does not continue, or 188 bytes that are not a
packet, indicate a hole. Gaps between the packets that the reader returns do not, since packets of all streams are
interleaved.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STEPS = (188, 192)
"""The bytes from one packet to the next: bare, or each after a time code (.m2ts)."""
_SYNC = 0x47
_NULL = 0x1FFF  # stuffing packets; their counter means nothing
_AT_ONCE = 5000  # packets per read
_SURE = 4  # consecutive packets, to resynchronise
_ROOM = 8  # bytes: some readers count the time code as part of the packet, others do not

_AHEAD = 1 << 20  # bytes: every stream has another packet within so many


@dataclass(frozen=True, slots=True)
class Hole:
    """A hole between two positions in the file: those of the last packet before it and of the first one after it."""

    after: int
    place: int
    is_own: bool  # of the requested stream, or of all; else of another one


class Holes:
    """The holes of a file, searched only as far as requested."""

    def __init__(self, path: Path, pid: int) -> None:
        """`pid` is the number of the requested stream."""
        self._coming = _holes(path, pid)
        self._next = next(self._coming, None)
        self._own: deque[Hole] = deque()
        self._others: deque[Hole] = deque()

    def until(self, place: int) -> bool:
        """Return whether the stream misses something up to its packet at `place`, since the previous call."""
        self._look(place + _ROOM)
        found = False
        while self._own and self._own[0].place < place + _ROOM:
            found = True
            self._own.popleft()
        return found

    def of_others(self, after: int, place: int) -> bool:
        """Return whether another stream misses something between these positions, which ascend from call to call."""
        self._look(place + _AHEAD)
        while self._others and self._others[0].place <= after:
            self._others.popleft()
        return any(hole.after < place for hole in self._others)

    def _look(self, until: int) -> None:
        while self._next is not None and self._next.place < until:
            (self._own if self._next.is_own else self._others).append(self._next)
            self._next = next(self._coming, None)


def sync_of(data: bytes, *, steps: tuple[int, ...] = STEPS) -> tuple[int, int] | None:
    """Return the position of the first packet in `data` and the packet size, if four packets follow each other."""
    found = ((start, step) for step in steps for start in range(step) if data[start::step][:_SURE] == b"G" * _SURE)
    return next(found, None)


def _holes(path: Path, pid: int) -> Iterator[Hole]:
    last: dict[int, tuple[int, int]] = {}  # by stream: the counter and the position of its last packet
    with path.open("rb") as file:
        at, step = sync_of(file.read(_SURE * max(STEPS) * 2)) or (0, STEPS[0])
        while True:
            file.seek(at)
            data = file.read(step * _AT_ONCE)
            packets = np.frombuffer(data, np.uint8, len(data) // step * step).reshape(-1, step)
            if not len(packets):
                return
            lost = np.flatnonzero(packets[:, 0] != _SYNC)
            good = int(lost[0]) if len(lost) else len(packets)
            yield from _broken(packets[:good], at, last, pid)
            at += good * step
            if len(lost):
                begin, at = at, at + _to_next_sync(data[good * step :], step)
                yield Hole(begin, at, is_own=True)


def _to_next_sync(data: bytes, step: int) -> int:
    """Return how many bytes to skip; all but the last few if no packet is found."""
    at = data.find(b"G")
    while 0 <= at <= len(data) - _SURE * step:
        if data[at::step][:_SURE] == b"G" * _SURE:
            return at
        at = data.find(b"G", at + 1)
    return max(len(data) - _SURE * step, step)


def _broken(packets: NDArray[np.uint8], begin: int, last: dict[int, tuple[int, int]], pid: int) -> list[Hole]:
    """Return the holes between `packets`, which begin at position `begin` of the file."""
    pids = (packets[:, 1] & 0x1F).astype(np.int32) << 8 | packets[:, 2]
    control = packets[:, 3]
    anew = (control & 0x20 > 0) & (packets[:, 4] > 0) & (packets[:, 5] & 0x80 > 0)  # the discontinuity indicator
    spoilt = packets[:, 1] & 0x80 > 0
    found: list[Hole] = []
    for number in map(int, np.unique(pids)):
        if number == _NULL:
            continue
        rows = np.flatnonzero(pids == number)
        counts = control[rows].astype(np.int64) & 15
        count, place = last.get(number, (-1, begin))
        before = np.concatenate(([count], counts[:-1]))
        goes_on = counts == (before + (control[rows] >> 4 & 1)) & 15
        places = np.concatenate(([place], begin + rows * packets.shape[1]))
        last[number] = int(counts[-1]), int(places[-1])
        broken = np.flatnonzero(~goes_on & ~anew[rows] & (before >= 0) | spoilt[rows])
        found += [Hole(int(places[n]), int(places[n + 1]), number == pid) for n in broken]
    return sorted(found, key=lambda hole: hole.place)
