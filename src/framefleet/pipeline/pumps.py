"""What feeds the lanes: pictures and sound are each decoded once, each in a thread of its own."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from framefleet.config import Options
from framefleet.errors import FrameFleetError
from framefleet.fleet.exchange import Failure
from framefleet.fleet.meter import Meter
from framefleet.media.audio import decode_clips
from framefleet.media.decode import decode_pictures
from framefleet.media.info import Clip, ClipTime, MediaInfo, PictureTime, Sample
from framefleet.pipeline.lane import Lane, assemble
from framefleet.stages.base import Needs
from framefleet.stages.objects.forecast import max_side
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
        feed = {Needs.PICTURES: self._feed_pictures, Needs.AUDIO: self._feed_audio}[self._lane.plan.stage.needs]
        try:
            feed()
        except BaseException as fault:  # noqa: BLE001 - raised again by the thread that waits
            self.fault = fault

    def wait(self, watch_s: Seconds) -> None:
        """Returns when all is fed, looking up every `watch_s`. Raises the fault that ended it, if one did."""
        while self.is_alive():
            self.join(watch_s)
        if self.fault is not None:
            raise self.fault

    def _feed_pictures(self) -> None:
        lane, batches = self._lane, self._lane.items
        decoded = decode_pictures(
            self._media,
            [sample for batch in batches for sample in batch.samples],
            max_side=max_side(self._options, lane.plan.backend),
            jpeg_quality=self._options.jpeg_quality,
            crop=self._options.crop,
        )
        handed, reason = 0, ENDED
        try:
            for batch, pictures, gaps in assemble(batches, self._metered(decoded)):
                for gap in gaps:
                    lane.lose(batch.number, _nominal([gap.sample]), 1, gap.error)
                if pictures:
                    lane.dispatcher.put(batch.number, pictures, len(pictures))
                handed += 1
                if self._over():
                    break
        except FrameFleetError as error:
            reason = str(error)
        for batch in batches[handed:]:
            lane.lose(batch.number, _nominal(batch.samples), batch.units, reason)

    def _feed_audio(self) -> None:
        lane, chunks = self._lane, self._lane.items
        handed, reason = 0, ENDED
        try:
            for clip in self._metered(self._clips()):
                lane.dispatcher.put(clip.number, clip, clip.span.length_s)
                handed += 1
                if self._over():
                    break
        except FrameFleetError as error:
            reason = str(error)
        for chunk in chunks[handed:]:
            lane.lose(chunk.number, (ClipTime(chunk.number, chunk.span),), chunk.units, reason)

    def _clips(self) -> Iterator[Clip]:
        """The lane's clips; what cannot be decoded is silent in them, and said in the lane's failures."""
        lane = self._lane
        return decode_clips(
            self._media,
            lane.items,
            format="flac" if lane.plan.backend == "local" else "opus",  # nothing to upload, nothing to lose
            on_gap=lambda gap: lane.lost.append(Failure((ClipTime(-1, gap.span),), gap.error, attempts=0)),
        )

    def _over(self) -> bool:
        return self._halt.is_set() or self._lane.dispatcher.fatal is not None

    def _metered(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The same pieces, the time until each comes counted as decoding."""
        stream = iter(pieces)
        while True:
            with self.meter.working():
                piece: Any = next(stream, None)
            if piece is None:
                return
            yield piece


def _nominal(samples: Iterable[Sample]) -> tuple[PictureTime, ...]:
    """When the pictures were wanted, for those that never came."""
    return tuple(PictureTime(sample.index, sample.time_s, sample.time_s) for sample in samples)
