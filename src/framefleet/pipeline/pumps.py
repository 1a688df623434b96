"""What feeds the lanes: pictures and sound are each decoded once, each in a thread of its own."""

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from framefleet.config import Options
from framefleet.errors import FrameFleetError
from framefleet.fleet.exchange import Failure
from framefleet.fleet.meter import Meter
from framefleet.media.audio import decode_clips
from framefleet.media.audio_plan import AudioChunk
from framefleet.media.decode import decode_pictures
from framefleet.media.info import Clip, ClipTime, MediaInfo, Picture, PictureTime, Sample
from framefleet.pipeline.lane import Lane, assemble
from framefleet.stages.base import Needs
from framefleet.stages.objects.forecast import max_side
from framefleet.stages.objects.plan import PictureBatch
from framefleet.units import Seconds

ENDED = "not asked: the stage had ended"

Piece = TypeVar("Piece")


class Pump(threading.Thread):
    """Feeds one lane from the file. An error of ours costs the rest of the lane; any other is kept in `fault`."""

    def __init__(self, lane: Lane, media: MediaInfo, options: Options, stop: threading.Event) -> None:
        super().__init__(name=f"feed-{lane.plan.stage.name}", daemon=True)
        self._lane = lane
        self._media = media
        self._options = options
        self._halt = stop
        self.meter = Meter()
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            self._feed()
        except BaseException as fault:  # noqa: BLE001 - raised again by the thread that waits
            self.fault = fault

    def wait(self, watch_s: Seconds) -> None:
        """Returns when all is fed, looking up every `watch_s`. Raises the fault that ended it, if one did."""
        while self.is_alive():
            self.join(watch_s)
        if self.fault is not None:
            raise self.fault

    def _feed(self) -> None:
        """Hands each payload on as it comes; what never comes, or would come too late, is lost."""
        lane = self._lane
        pictures = lane.plan.stage.needs is Needs.PICTURES
        payloads: Iterator[tuple[int, Any, float]] = self._batches() if pictures else self._clips()
        nominal: Callable[[Any], tuple[Any, ...]] = _batch_times if pictures else _chunk_time
        handed, reason = 0, ENDED
        try:
            for number, payload, units in payloads:
                if payload:
                    lane.dispatcher.put(number, payload, units)
                handed += 1
                if self._halt.is_set() or lane.dispatcher.fatal is not None:
                    reason = str(lane.dispatcher.fatal or ENDED)
                    break
        except FrameFleetError as error:
            reason = str(error)
        for item in lane.items[handed:]:
            lane.lose(item.number, nominal(item), item.units, reason)

    def _batches(self) -> Iterator[tuple[int, list[Picture], float]]:
        """Each batch's pictures, without those that could not be decoded: they are lost."""
        lane = self._lane
        decoded = decode_pictures(
            self._media,
            [sample for batch in lane.items for sample in batch.samples],
            max_side=max_side(self._options, lane.plan.backend),
            jpeg_quality=self._options.jpeg_quality,
            crop=self._options.crop,
        )
        for batch, pictures, gaps in assemble(lane.items, self._metered(decoded)):
            for gap in gaps:
                lane.lose(batch.number, (_nominal(gap.sample),), 1, gap.error)
            yield batch.number, pictures, len(pictures)

    def _clips(self) -> Iterator[tuple[int, Clip, float]]:
        """Each chunk's clip; what cannot be decoded is silent in it, and said in the lane's failures."""
        lane = self._lane
        clips = decode_clips(
            self._media,
            lane.items,
            format="flac" if lane.plan.backend == "local" else "opus",  # nothing to upload, nothing to lose
            on_gap=lambda gap: lane.lost.append(Failure((ClipTime(-1, gap.span),), gap.error, attempts=0)),
        )
        for clip in self._metered(clips):
            yield clip.number, clip, clip.span.length_s

    def _metered(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The same pieces, the time until each comes counted as decoding."""
        stream = iter(pieces)
        while True:
            with self.meter.working():
                piece: Any = next(stream, None)
            if piece is None:
                return
            yield piece


def _nominal(sample: Sample) -> PictureTime:
    """When a picture was wanted that never came."""
    return PictureTime(sample.index, sample.time_s, sample.time_s)


def _batch_times(batch: PictureBatch) -> tuple[PictureTime, ...]:
    return tuple(_nominal(sample) for sample in batch.samples)


def _chunk_time(chunk: AudioChunk) -> tuple[ClipTime, ...]:
    return (ClipTime(chunk.number, chunk.span),)
