"""Starting what feeds a run, and waiting until all of it is done or somebody has had enough."""

import os
import threading
from collections.abc import Sequence
from functools import partial

from framefleet.config import Options
from framefleet.errors import FrameFleetError, Interrupted
from framefleet.fleet.meter import Meter
from framefleet.media.decode import decode_orders
from framefleet.media.info import MediaInfo
from framefleet.media.order import JpegView, Order
from framefleet.pipeline.consumers import BatchConsumer, Consumer, TextConsumer, WatchConsumer
from framefleet.pipeline.lane import Lane
from framefleet.pipeline.open import WATCH_S, LaneOpener
from framefleet.pipeline.pumps import PicturePump, Pump, SoundPump, sound_groups
from framefleet.pipeline.threads import decoding_threads
from framefleet.pipeline.warm import warm_up
from framefleet.stages.base import Needs
from framefleet.stages.objects.forecast import max_side
from framefleet.stages.text.changed import to_see
from framefleet.stages.text.stage import TextStage
from framefleet.units import Seconds


def _pumps(
    lanes: Sequence[Lane],
    watchers: Sequence[WatchConsumer],
    media: MediaInfo,
    options: Options,
    keyframes_s: list[Seconds],
    stop: threading.Event,
) -> list[Pump]:
    """One for the pictures, if anybody wants any, and one for each way in which the sound is cut."""
    pictures = [lane for lane in lanes if lane.plan.stage.needs is Needs.PICTURES]
    sounds = [lane for lane in lanes if lane.plan.stage.needs is Needs.AUDIO and lane.items]
    consumers: list[Consumer] = [
        *(_consumer(lane, options) for lane in pictures if lane.items),
        *watchers,
    ]
    decode = partial(
        decode_orders,
        media,
        sampling=options.sampling,
        threads=decoding_threads(os.cpu_count() or 1, [lane.plan.backend for lane in lanes if lane.items]),
        on_keyframe=keyframes_s.append,
    )
    pumps: list[Pump] = [PicturePump(consumers, media, decode, stop)] if consumers else []
    return [*pumps, *(SoundPump(group, media, options, stop) for group in sound_groups(sounds))]


def _consumer(lane: Lane, options: Options) -> Consumer:
    stage, samples = lane.plan.stage, [sample for batch in lane.items for sample in batch.samples]
    view = JpegView(max_side(options, lane.plan.backend), options.jpeg_quality, options.crop)
    if isinstance(stage, TextStage):
        return TextConsumer(lane, Order(to_see(samples, options.fps), view), stage)
    return BatchConsumer(lane, Order(samples, view))


def feed(
    lanes: Sequence[Lane],
    watchers: Sequence[WatchConsumer],
    opener: LaneOpener,
    media: MediaInfo,
    options: Options,
    keyframes_s: list[Seconds],
) -> dict[str, Meter]:
    """Feeds every stage to its end. When that cannot be, nothing more is sent and what is queued is cancelled.

    The times of the keyframes that come by are added to `keyframes_s`.
    """
    stop = threading.Event()
    watches = [lane.watch for lane in lanes if lane.watch is not None]
    try:
        for watch in watches:
            watch.start()
        for lane in lanes:
            opener.resume(lane)
        warm_up(lanes, options)
        pumps = _pumps(lanes, watchers, media, options, keyframes_s, stop)
        for pump in pumps:
            pump.start()
        for pump in pumps:
            pump.wait(WATCH_S)
        for lane in lanes:
            while not lane.dispatcher.idle(WATCH_S):
                pass
    except BaseException as error:
        stop.set()
        interrupted = isinstance(error, KeyboardInterrupt)
        told = Interrupted("interrupted; run the same command again: it goes on from here") if interrupted else error
        for lane in lanes:
            lane.dispatcher.end(told if isinstance(told, FrameFleetError) else FrameFleetError(str(told)))
        if interrupted:
            raise told from None
        raise
    finally:
        for watch in watches:
            watch.close()
    return {pump.reads: pump.meter for pump in pumps}
