"""Where bytes of an MPEG transport stream are missing, of which FFmpeg's reader tells little (ISO/IEC 13818-1, 2.4.3).

Each packet of a stream carries a counter of four bits. One that does not go on, or 188 bytes that are no packet, tell
of a hole. Gaps between packets as the reader gives them do not: those of all streams lie between each other.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STEPS = (188, 192)
"""From one packet to the next, in bytes: bare, or each behind a time code (.m2ts)."""
_SYNC = 0x47
_NULL = 0x1FFF  # packets that only fill up; their counter means nothing
_AT_ONCE = 5000  # packets
_SURE = 4  # packets in a row, to begin anew behind what is none
_ROOM = 8  # bytes: some readers count a time code to the packet, others do not

Hole = tuple[int, bool]
"""The place of the first packet behind it, and whether that stream misses something for which one asks, or another."""


class Holes:
    """The holes of a file, looked for as far as is asked."""

    def __init__(self, path: Path, pid: int) -> None:
        """`pid` is the number of the stream for which one asks."""
        self._coming = _holes(path, pid)
        self._next = next(self._coming, None)

    def until(self, place: int) -> tuple[bool, bool]:
        """Whether there are any, not asked about yet, up to the packet at `place`: of the stream, and of another."""
        found = {True: False, False: False}
        while self._next is not None and self._next[0] < place + _ROOM:
            found[self._next[1]] = True
            self._next = next(self._coming, None)
        return found[True], found[False]


def sync_of(data: bytes, *, steps: tuple[int, ...] = STEPS) -> tuple[int, int] | None:
    """Where the first packet begins in `data`, and how far it is to the next: where four follow each other."""
    found = ((start, step) for step in steps for start in range(step) if data[start::step][:_SURE] == b"G" * _SURE)
    return next(found, None)


def _holes(path: Path, pid: int) -> Iterator[Hole]:
    counters: dict[int, int] = {}
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
            yield from ((at + int(n) * step, own) for n, own in _broken(packets[:good], counters, pid))
            at += good * step
            if len(lost):
                at += _to_next_sync(data[good * step :], step)
                yield at, True


def _to_next_sync(data: bytes, step: int) -> int:
    """How many bytes to pass over; all but the last few where nothing is found."""
    at = data.find(b"G")
    while 0 <= at <= len(data) - _SURE * step:
        if data[at::step][:_SURE] == b"G" * _SURE:
            return at
        at = data.find(b"G", at + 1)
    return max(len(data) - _SURE * step, step)


def _broken(packets: NDArray[np.uint8], counters: dict[int, int], pid: int) -> list[Hole]:
    """The places among `packets` of those whose stream misses something before them; `counters` are the last ones."""
    pids = (packets[:, 1] & 0x1F).astype(np.int32) << 8 | packets[:, 2]
    control = packets[:, 3]
    anew = (control & 0x20 > 0) & (packets[:, 4] > 0) & (packets[:, 5] & 0x80 > 0)  # says that it does not go on
    spoilt = packets[:, 1] & 0x80 > 0
    found: list[Hole] = []
    for number in np.unique(pids):
        if number == _NULL:
            continue
        places = np.flatnonzero(pids == number)
        counts = control[places].astype(np.int32) & 15
        before = np.concatenate(([counters.get(int(number), -1)], counts[:-1]))
        goes_on = counts == (before + (control[places] >> 4 & 1)) & 15
        broken = ~goes_on & ~anew[places] & (before >= 0) | spoilt[places]
        counters[int(number)] = int(counts[-1])
        found += [(int(place), bool(number == pid)) for place in places[broken]]
    return sorted(found)
