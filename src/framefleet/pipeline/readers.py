"""The readers that feed a run: one pass over the frames, and one over the sound per way in which it is cut."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from framefleet.cancel import CancelScope
from framefleet.errors import describe
from framefleet.logs import logger
from framefleet.media.audio.clips import decode_clips
from framefleet.media.audio.encode import ClipForm
from framefleet.media.types import Gap, MediaInfo, Picture
from framefleet.media.video.request import FrameRequest, Pixels
from framefleet.metrics import BusyTimer
from framefleet.pipeline.consumers import (
    ENDED,
    BatchConsumer,
    ClipConsumer,
    Consumer,
    WatchConsumer,
)

log = logger(__name__)

Taker = TypeVar("Taker", bound=Consumer)
Piece = TypeVar("Piece")

DecodeOrders = Callable[[Sequence[FrameRequest]], Iterator[tuple[int, Picture | Pixels | Gap]]]
"""A decode for several orders: it yields each piece with the number of its order."""


class Routed(NamedTuple, Generic[Taker]):
    """A piece, its consumers, and its amount: frames, or seconds of sound."""

    takers: Sequence[Taker]
    piece: object
    amount: float


class Reader(threading.Thread, ABC, Generic[Taker]):
    """A thread that reads the file and passes pieces to its consumers, at the pace of the slowest.

    An exception in a consumer ends that one; an error of the decoder fails everything not yet read. Unexpected
    exceptions are kept in `fault`.
    """

    def __init__(self, reads: str, consumers: Sequence[Taker], meter: BusyTimer, scope: CancelScope) -> None:
        super().__init__(name=f"feed-{reads}", daemon=True)
        self.reads = reads
        self.meter = meter
        self.fault: BaseException | None = None
        self._consumers = consumers
        self._scope = scope

    def run(self) -> None:
        try:
            reason = self._feed()
            for consumer in self._consumers:
                consumer.close(reason)
        except BaseException as fault:  # raised again by the thread that waits
            log.warning("reading %s failed unexpectedly", self.reads, exc_info=fault)
            self.fault = fault

    def _feed(self) -> str:
        """Read to the end, or until no consumer takes more. Return the reason for pieces that have not arrived by
        then."""
        try:
            for takers, piece, amount in self._metered(self._pieces()):
                self.meter.count(amount)
                for taker in takers:
                    taker.take(piece)
                if self._scope.cancelled or all(consumer.over for consumer in self._consumers):
                    break
        except Exception as error:  # other readers continue
            log.warning("cannot continue reading %s", self.reads, exc_info=error)
            return describe(error)
        return ENDED

    @abstractmethod
    def _pieces(self) -> Iterator[Routed[Taker]]:
        """Yield all pieces, in the order of time."""

    def _metered(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """Yield the same pieces, and count the time until each arrives as decoding."""
        stream = iter(pieces)
        while True:
            with self.meter.working():
                piece = next(stream, None)
            if piece is None:
                return
            yield piece


class FrameReader(Reader[BatchConsumer | WatchConsumer]):
    """A reader of frames: one decode for all consumers. All such readers share `meter`."""

    def __init__(
        self,
        consumers: Sequence[BatchConsumer | WatchConsumer],
        decode: DecodeOrders,
        meter: BusyTimer,
        scope: CancelScope,
    ) -> None:
        super().__init__("pictures", consumers, meter, scope)
        self._decode = decode

    def _pieces(self) -> Iterator[Routed[BatchConsumer | WatchConsumer]]:
        for number, piece in self._decode([consumer.order for consumer in self._consumers]):
            yield Routed(self._consumers[number : number + 1], piece, 1)


class AudioReader(Reader[ClipConsumer]):
    """A reader of sound: one decode for consumers that cut it alike and take it in one form. All such readers share
    `meter`.

    `on_mended` is called once if channels are kept that a plain mix would lose.
    """

    def __init__(
        self,
        consumers: Sequence[ClipConsumer],
        media: MediaInfo,
        form: ClipForm,
        meter: BusyTimer,
        scope: CancelScope,
        on_mended: Callable[[], None] | None = None,
    ) -> None:
        super().__init__("sound", consumers, meter, scope)
        self._media = media
        self._on_mended = on_mended
        self._form = form

    def _pieces(self) -> Iterator[Routed[ClipConsumer]]:
        """Yield the clips of all chunks that a consumer needs."""
        chunks = {number: chunk for consumer in self._consumers for number, chunk in consumer.left.items()}
        wanted = [chunks[number] for number in sorted(chunks)]
        for clip in decode_clips(self._media, wanted, format=self._form, on_mended=self._on_mended):
            yield Routed(self._consumers, clip, clip.span.length_s)
