"""Who takes the pictures as they are decoded: batches on their way to a fleet, and stages that watch them go by."""

from collections.abc import Iterator
from typing import Any, Protocol

from framefleet.errors import FrameFleetError
from framefleet.fleet.meter import Meter
from framefleet.media.info import Gap, Picture, PictureTime, Sample
from framefleet.media.order import Order, Pixels
from framefleet.pipeline.lane import Lane
from framefleet.progress import ItemDone, ItemFailed, Listener, StageDone, StageStarted
from framefleet.stages.client import Watcher
from framefleet.stages.objects.plan import PictureBatch
from framefleet.stages.text.changed import ChangeFilter
from framefleet.stages.text.stage import TextStage

ENDED = "not asked: the stage had ended"
EVERY = 50  # pieces a watching stage is told of at a time: a line for each would drown the others


class Consumer(Protocol):
    """One of those that share a decode. `over`: it wants no more."""

    order: Order

    @property
    def over(self) -> bool: ...

    def take(self, piece: Picture | Pixels | Gap) -> None:
        """The next piece of its order."""

    def close(self, reason: str) -> None:
        """No more will come; what is still missing is missing for this reason."""


class BatchConsumer:
    """A fleet stage's batches, each handed to its dispatcher as soon as its last picture has come."""

    def __init__(self, lane: Lane, order: Order) -> None:
        self.order = order
        self._lane = lane
        self._left: Iterator[PictureBatch] = iter(lane.items)
        self._batch = next(self._left, None)
        self._pictures: list[Picture] = []
        self._came = 0

    @property
    def over(self) -> bool:
        return self._batch is None or self._lane.dispatcher.fatal is not None

    def take(self, piece: Picture | Pixels | Gap) -> None:
        if self._batch is None:
            return
        if isinstance(piece, Picture):
            self._pictures.append(piece)
        elif isinstance(piece, Gap):
            self._lane.lose(self._batch.number, (nominal(piece.sample),), 1, piece.error)
        self._came_by()

    def _came_by(self) -> None:
        """One more of the batch is dealt with."""
        self._came += 1
        if self._batch is not None and self._came == len(self._batch.samples):
            self._hand_on(self._batch)

    def close(self, reason: str) -> None:
        """The samples that never came are lost, and those that came too late for a stage that has ended."""
        fatal = self._lane.dispatcher.fatal
        reason = str(fatal or reason)
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
        pictures, self._pictures, self._came = self._pictures, [], 0
        self._batch = next(self._left, None)
        if pictures:
            self._lane.dispatcher.put(batch.number, pictures, len(pictures))

    def _lose(self, number: int, samples: tuple[Sample, ...], reason: str) -> None:
        if samples:
            self._lane.lose(number, tuple(nominal(sample) for sample in samples), len(samples), reason)


class TextConsumer(BatchConsumer):
    """Asks only about pictures whose text may have changed; the others have the text of the picture before."""

    def __init__(self, lane: Lane, order: Order, stage: TextStage) -> None:
        super().__init__(lane, order)
        self._stage = stage
        self._wanted = {sample.index for batch in lane.items for sample in batch.samples}
        self._filter = ChangeFilter()

    def take(self, piece: Picture | Pixels | Gap) -> None:
        if isinstance(piece, Pixels):
            return
        changed = self._filter.see(piece)
        index = piece.sample.index if isinstance(piece, Gap) else piece.at.index
        if index not in self._wanted:  # answered before, and looked at for what comes after it
            return
        if isinstance(piece, Picture) and not changed:
            number = self._batch.number if self._batch is not None else 0
            self._lane.dispatcher.settle(number, self._stage.unchanged(piece), 1)
            self._came_by()
        else:
            super().take(piece)


class WatchConsumer:
    """A watching stage at work. What goes wrong in it ends it, and nothing else."""

    def __init__(self, name: str, order: Order, watcher: Watcher[Any], listener: Listener) -> None:
        self.name = name
        self.order = order
        self._watcher = watcher
        self._listener = listener
        self._seen = 0
        self.meter = Meter()
        self.error: str | None = None
        count = len(order.samples)
        listener(StageStarted(name, "local", -(-count // EVERY), count, "frames"))

    @property
    def over(self) -> bool:
        return self.error is not None

    def take(self, piece: Picture | Pixels | Gap) -> None:
        if self.error is not None:
            return
        try:
            with self.meter.working():
                self._watcher.see(piece)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other stages go on
            self._fail(error)
            return
        self._seen += 1
        self.meter.count(1)
        if self._seen % EVERY == 0:
            self._listener(ItemDone(self.name, self._seen // EVERY - 1, EVERY, 0, 0.0))

    def close(self, reason: str) -> None:
        if self._seen < len(self.order.samples) and self.error is None and reason is not ENDED:
            self.error = reason
        self._listener(ItemDone(self.name, self._seen // EVERY, self._seen % EVERY, 0, 0.0))
        self._listener(StageDone(self.name))

    def result(self) -> Any:
        """What was found; None where the stage failed."""
        if self.error is not None:
            return None
        try:
            with self.meter.working():
                return self._watcher.finish()
        except Exception as error:  # noqa: BLE001 - as above
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        told = str(error) if isinstance(error, FrameFleetError) else f"{type(error).__name__}: {error}"
        self.error = " ".join(told.split())
        self._listener(ItemFailed(self.name, 0, 0, self.error))


def nominal(sample: Sample) -> PictureTime:
    """When a picture was wanted that never came."""
    return PictureTime(sample.index, sample.time_s, sample.time_s)
