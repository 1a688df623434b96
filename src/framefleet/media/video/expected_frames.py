"""Which frames a file's packets promise, and which of them the decoder never gave. Pure: whole ticks in and out."""

from bisect import insort
from collections.abc import Iterator

_MAX_DELAY = 256  # packets in, no frame out: reordering (16) and frame threads (16) stay far below


class ExpectedFrames:
    """Keeps the times of packets whose frame is still to come: at most 256 of them, however long the video.

    Some decoders drop a damaged frame without a word (HEVC), and an older one would stay on screen unnoticed. So a
    promised time that the frames have passed is lost. Not so one within the first three quarters of the frame before
    it: that packet was the frame's second field, or a reference that is never shown (VP8).
    """

    def __init__(self) -> None:
        self._times: list[int] = []
        self._until = 0.0

    def add(self, pts: int) -> None:
        insort(self._times, pts)

    def first(self) -> int | None:
        """The earliest time still to come."""
        return self._times[0] if self._times else None

    def next_frame(self) -> int | None:
        """The same, second fields of the frame before it passed over."""
        while self._times and self._times[0] < self._until:
            self.drop_first()
        return self.first()

    def drop_first(self) -> None:
        del self._times[:1]

    def drop(self, pts: int) -> None:
        """Takes back a promise: that time was wrong."""
        if pts in self._times:
            self._times.remove(pts)

    def came(self, pts: int, length: float) -> Iterator[int]:
        """The times lost before the frame at `pts`, which came now and lasts `length` ticks."""
        yield from self._lost(pts)
        if self.first() == pts:
            self.drop_first()
        self._until = pts + 0.75 * length

    def overdue(self) -> Iterator[int]:
        """The times lost because nothing came for long."""
        if len(self._times) > _MAX_DELAY:
            yield from self._lost(self._times[-_MAX_DELAY])

    def rest(self) -> Iterator[int]:
        """The times lost once everything has come."""
        yield from self._lost(None)

    def _lost(self, before: int | None) -> Iterator[int]:
        while self._times and (before is None or self._times[0] < before):
            pts = self._times.pop(0)
            if pts >= self._until:
                yield pts
