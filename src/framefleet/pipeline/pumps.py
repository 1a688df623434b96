"""What feeds a run: one pass over the pictures for all who want any, one over the sound for all who cut it alike."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from framefleet.config import Options
from framefleet.errors import FrameFleetError
from framefleet.fleet.exchange import Failure
from framefleet.fleet.meter import Meter
from framefleet.media.audio import decode_clips
from framefleet.media.audio_plan import AudioChunk
from framefleet.media.info import Clip, ClipTime, Gap, MediaInfo, Picture
from framefleet.media.order import Order, Pixels
from framefleet.pipeline.consumers import ENDED, Consumer
from framefleet.pipeline.lane import Lane
from framefleet.stages.speech.stage import SpeechStage
from framefleet.units import Seconds

Piece = TypeVar("Piece")

DecodeOrders = Callable[[Sequence[Order]], Iterator[tuple[int, Picture | Pixels | Gap]]]
"""One decode for all orders: each piece with its order's number."""


class Pump(threading.Thread, ABC):
    """Reads the file and hands on what it reads, waiting where its takers are full: the slowest sets the pace.

    An error of ours costs what has not come yet; any other is kept in `fault`.
    """

    def __init__(self, name: str, media: MediaInfo, stop: threading.Event) -> None:
        super().__init__(name=f"feed-{name}", daemon=True)
        self.reads = name
        self._media = media
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

    @abstractmethod
    def _feed(self) -> None:
        """Reads to the end, or until nobody wants more."""

    def _metered(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The same pieces, the time until each comes counted as decoding."""
        stream = iter(pieces)
        while True:
            with self.meter.working():
                piece: Any = next(stream, None)
            if piece is None:
                return
            yield piece


class PicturePump(Pump):
    """One decode for all consumers."""

    def __init__(
        self, consumers: Sequence[Consumer], media: MediaInfo, decode: DecodeOrders, stop: threading.Event
    ) -> None:
        super().__init__("pictures", media, stop)
        self._consumers = consumers
        self._decode = decode

    def _feed(self) -> None:
        reason = ENDED
        orders = [consumer.order for consumer in self._consumers]
        try:
            for index, piece in self._metered(self._decode(orders)):
                self.meter.count(1)
                self._consumers[index].take(piece)
                if self._halt.is_set() or all(consumer.over for consumer in self._consumers):
                    break
        except FrameFleetError as error:
            reason = str(error)
        for consumer in self._consumers:
            consumer.close(reason)


class SoundPump(Pump):
    """One decode for the lanes that cut the sound alike and want it in one format."""

    def __init__(self, lanes: Sequence[Lane], media: MediaInfo, options: Options, stop: threading.Event) -> None:
        super().__init__("sound", media, stop)
        self._lanes = lanes
        self._options = options

    def _feed(self) -> None:
        """Hands each clip to the lanes that have not got it answered; what never comes is lost to them."""
        wanted = [{chunk.number: chunk for chunk in lane.items} for lane in self._lanes]
        reason = ENDED
        try:
            for clip in self._metered(self._clips(wanted)):
                self.meter.count(clip.span.length_s)
                for lane, left in zip(self._lanes, wanted, strict=True):
                    if left.pop(clip.number, None) is not None:
                        self._hand_on(lane, clip)
                if self._halt.is_set() or all(lane.dispatcher.fatal is not None for lane in self._lanes):
                    break
        except FrameFleetError as error:
            reason = str(error)
        for lane, left in zip(self._lanes, wanted, strict=True):
            for chunk in left.values():
                told = str(lane.dispatcher.fatal or reason)
                lane.lose(chunk.number, (ClipTime(chunk.number, chunk.span),), chunk.units, told)

    def _hand_on(self, lane: Lane, clip: Clip) -> None:
        """Of a clip only what is worth asking about: where nobody speaks nothing has to be paid for."""
        stage, units = lane.plan.stage, clip.span.length_s
        if not isinstance(stage, SpeechStage):
            lane.dispatcher.put(clip.number, clip, units)
            return
        worth = stage.trim(clip, self._options, lane.plan.backend)
        if worth is None:
            lane.dispatcher.settle(clip.number, stage.nothing_said(clip), units)
        else:
            lane.dispatcher.put(clip.number, worth, units)

    def _clips(self, wanted: Sequence[dict[int, AudioChunk]]) -> Iterator[Any]:
        """Clips of all chunks that any lane wants; what cannot be decoded is silent, and said in their failures."""
        chunks = {number: chunk for left in wanted for number, chunk in left.items()}
        return decode_clips(
            self._media,
            [chunks[number] for number in sorted(chunks)],
            format=clip_format(self._lanes[0]),
            on_gap=self._gap,
        )

    def _gap(self, gap: Any) -> None:
        for lane in self._lanes:
            lane.lost.append(Failure((ClipTime(-1, gap.span),), gap.error, attempts=0))


def clip_format(lane: Lane) -> Any:
    """FLAC where nothing is uploaded, so that nothing is lost."""
    return "flac" if lane.plan.backend == "local" else "opus"


def sound_groups(lanes: Sequence[Lane]) -> list[list[Lane]]:
    """Lanes that can share a decode of the sound: cut alike, in one format."""
    groups: dict[Any, list[Lane]] = {}
    for lane in lanes:
        cut = tuple((chunk.span.start_s, chunk.span.end_s) for chunk in lane.plan.items)
        groups.setdefault((clip_format(lane), cut), []).append(lane)
    return list(groups.values())
