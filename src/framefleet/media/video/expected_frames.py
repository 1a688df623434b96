"""The frames that a file's packets promise, and those of them that the decoder never returned. Pure; times in ticks."""

from bisect import insort
from collections.abc import Iterator

_MAX_DELAY = 256  # packets without a frame: reordering (16) and frame threads (16) stay far below


class ExpectedFrames:
    """The times of packets whose frame is still expected: at most 256, however long the video.

    Some decoders drop a damaged frame silently (HEVC), and an older one would stay on screen unnoticed. So a promised
    time that later frames have passed is lost. The exception is a time within the first three quarters of the frame
    before it: that packet was the frame's second field, or a reference that is never shown (VP8).
    """

    def __init__(self) -> None:
        self._times: list[int] = []
        self._until = 0.0

    def add(self, pts: int) -> None:
        insort(self._times, pts)

    def first(self) -> int | None:
        """Return the earliest expected time."""
        return self._times[0] if self._times else None

    def next_frame(self) -> int | None:
        """Return the earliest expected time, after skipping second fields of the frame before."""
        while self._times and self._times[0] < self._until:
            self.drop_first()
        return self.first()

    def drop_first(self) -> None:
        del self._times[:1]

    def drop(self, pts: int) -> None:
        """Withdraw a promise whose time was wrong."""
        if pts in self._times:
            self._times.remove(pts)

    def came(self, pts: int, length: float) -> Iterator[int]:
        """Yield the times lost before the frame at `pts`, which has just been decoded and lasts `length` ticks."""
        yield from self._lost(pts)
        if self.first() == pts:
            self.drop_first()
        self._until = pts + 0.75 * length

    def overdue(self) -> Iterator[int]:
        """Yield the times that count as lost because no frame came for too long."""
        if len(self._times) > _MAX_DELAY:
            yield from self._lost(self._times[-_MAX_DELAY])

    def rest(self) -> Iterator[int]:
        """Yield the times lost after the last frame."""
        yield from self._lost(None)

    def _lost(self, before: int | None) -> Iterator[int]:
        while self._times and (before is None or self._times[0] < before):
            pts = self._times.pop(0)
            if pts >= self._until:
                yield pts
