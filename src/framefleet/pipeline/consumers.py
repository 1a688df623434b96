"""The consumers of a decode: stages of the fleet, which send it to an endpoint, and stages that watch it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from framefleet.config.options import Sampling
from framefleet.errors import describe
from framefleet.logs import logger
from framefleet.media.audio.chunks import AudioChunk
from framefleet.media.transport.frames import Shown
from framefleet.media.transport.sound import sound_transport
from framefleet.media.types import (
    Clip,
    ClipTime,
    Gap,
    Picture,
    PictureTime,
    Sample,
)
from framefleet.media.video.request import FrameRequest, Pixels
from framefleet.metrics import BusyTimer
from framefleet.pipeline.coverage import UndecodedSpans
from framefleet.pipeline.stage_run import StageRun
from framefleet.progress import (
    ItemDone,
    ItemFailed,
    Listener,
    StageDone,
    StageStarted,
)
from framefleet.stages.base import Answer
from framefleet.stages.batches import PictureBatch
from framefleet.stages.client import Watcher

log = logger(__name__)

ENDED = "not sent: the stage had ended"
HELD_BYTES = 32_000_000  # of pixels that wait for their batch: five frames of 1080p
EVERY = 50  # pieces per progress event of a watching stage: one for each would flood the listeners


class Consumer(ABC):
    """A consumer of a shared decode. An exception in it ends only this consumer, and is kept in `error`."""

    def __init__(self) -> None:
        self.error: str | None = None

    @property
    def over(self) -> bool:
        """Whether it takes no more pieces."""
        return self.error is not None

    def take(self, piece: Any) -> None:
        """Take the next piece, in the order of time."""
        if self.error is not None:
            return
        try:
            self._take(piece)
        except Exception as error:  # the other stages must continue
            log.warning("a stage failed", exc_info=error)
            self._fail(error)

    @abstractmethod
    def _take(self, piece: Any) -> None:
        """Take the next piece; exceptions end the consumer."""

    @abstractmethod
    def close(self, reason: str) -> None:
        """End the consumer. What is still missing fails for this reason, or for `error`."""

    def _fail(self, error: Exception) -> None:
        self.error = describe(error)


class BatchConsumer(Consumer):
    """The consumer of a fleet stage's frames: it passes each batch to the dispatcher when its last frame arrives.

    `order` may have more samples than the batches: the prefilter compares the next ones with them.
    """

    def __init__(self, lane: StageRun, order: FrameRequest) -> None:
        super().__init__()
        self.order = order
        self._lane = lane
        self._wanted = {sample.index for batch in lane.items for sample in batch.samples}
        self._left: Iterator[PictureBatch] = iter(lane.items)
        self._batch = next(self._left, None)
        self._pictures: list[Shown] = []
        self._came = 0

    @property
    def over(self) -> bool:
        return super().over or self._batch is None or self._lane.scope.cancelled

    def _take(self, piece: Shown | Gap) -> None:
        filtered = self._lane.filter(piece)
        index = piece.sample.index if isinstance(piece, Gap) else piece.at.index
        if self._batch is None or index not in self._wanted:
            return
        if isinstance(filtered, Answer):
            self._lane.dispatcher.settle(self._batch.number, filtered, 1)
        elif isinstance(filtered, Gap):
            self._lane.lose(self._batch.number, (nominal(filtered.sample),), 1, filtered.error)
        else:
            self._pictures.append(filtered)
        self._came += 1
        if self._came == len(self._batch.samples):
            self._hand_on(self._batch)
        elif sum(picture.rgb.nbytes for picture in self._pictures if isinstance(picture, Pixels)) > HELD_BYTES:
            self._put(self._batch)

    def close(self, reason: str) -> None:
        """Count the samples that did not arrive as failed, and those that arrived after the stage had ended."""
        fatal = self._lane.scope.error
        reason = str(fatal or self.error or reason)
        if self._batch is not None and self._came:
            batch, gone = self._batch, self._batch.samples[self._came :]
            if fatal is not None:
                late = {picture.at.index for picture in self._pictures}
                gone += tuple(sample for sample in batch.samples if sample.index in late)
                self._pictures = []
            self._hand_on(batch)
            self._lose(batch.number, gone, reason)
        while self._batch is not None:
            self._lose(self._batch.number, self._batch.samples, reason)
            self._batch = next(self._left, None)

    def _hand_on(self, batch: PictureBatch) -> None:
        self._batch, self._came = next(self._left, None), 0
        self._put(batch)

    def _put(self, batch: PictureBatch) -> None:
        """Pass on the part of the batch that has arrived: large frames that are not encoded go a few at a time."""
        pictures, self._pictures = self._pictures, []
        if pictures:
            self._lane.dispatcher.put(batch.number, pictures, len(pictures))

    def _lose(self, number: int, samples: tuple[Sample, ...], reason: str) -> None:
        if samples:
            self._lane.lose(number, tuple(nominal(sample) for sample in samples), len(samples), reason)


class ClipConsumer(Consumer):
    """The consumer of a fleet stage's clips: it passes each to the dispatcher, unless it is answered already."""

    def __init__(self, lane: StageRun) -> None:
        super().__init__()
        self._lane = lane
        self._transport = sound_transport(lane.plan.capabilities.transports)
        self.left: dict[int, AudioChunk] = {chunk.number: chunk for chunk in lane.items}

    @property
    def over(self) -> bool:
        return super().over or not self.left or self._lane.scope.cancelled

    def _take(self, piece: Clip) -> None:
        number, units = piece.number, piece.span.length_s
        if number not in self.left:
            return
        filtered = self._lane.filter(piece)
        if isinstance(filtered, Answer):
            self._lane.dispatcher.settle(number, filtered, units)
        else:
            self._lane.dispatcher.put(number, self._transport.prepare(filtered), units)
        del self.left[number]

    def close(self, reason: str) -> None:
        reason = str(self._lane.scope.error or self.error or reason)
        for chunk in self.left.values():
            self._lane.lose(chunk.number, (ClipTime(chunk.number, chunk.span),), chunk.units, reason)


class WatchConsumer(Consumer):
    """The consumer for a watching stage. `missed` are the spans of which it got no frame."""

    def __init__(
        self, name: str, order: FrameRequest, watcher: Watcher[Any], listener: Listener, sampling: Sampling = "exact"
    ) -> None:
        super().__init__()
        self.name = name
        self.sampling = sampling
        self.order = order
        self.meter = BusyTimer()
        self.missed = UndecodedSpans(order.samples)
        self._watcher = watcher
        self._listener = listener
        self._came = 0
        count = len(order.samples)
        listener(StageStarted(name, "local", -(-count // EVERY), count, "frames"))

    def _take(self, piece: Picture | Pixels | Gap) -> None:
        if isinstance(piece, Gap):
            self.missed.add(self._came, piece.error)
        else:
            self.meter.count(1)
        with self.meter.working():
            self._watcher.see(piece)
        self._came += 1
        if self._came % EVERY == 0:
            self._listener(ItemDone(self.name, self._came // EVERY - 1, EVERY, 0, 0.0))

    def close(self, reason: str) -> None:
        if self._came < len(self.order.samples) and self.error is None and reason is not ENDED:
            self.error = reason
        if self.missed.all and self.error is None:
            self.error = self.missed.stretches[0].error
        self._listener(ItemDone(self.name, self._came // EVERY, self._came % EVERY, 0, 0.0))
        self._listener(StageDone(self.name))

    def result(self) -> Any:
        """Return the stage's result; None if it failed."""
        if self.error is not None:
            return None
        try:
            with self.meter.working():
                return self._watcher.finish()
        except Exception as error:  # as in `take`
            log.warning("%s failed", self.name, exc_info=error)
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        super()._fail(error)
        self._listener(ItemFailed(self.name, 0, 0, self.error or ""))


def nominal(sample: Sample) -> PictureTime:
    """Return the nominal time of a sample whose frame did not arrive."""
    return PictureTime(sample.index, sample.time_s, sample.time_s)
