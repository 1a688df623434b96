"""Starting what feeds a run, and waiting until all of it is done or somebody has had enough."""

import os
import threading
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from framefleet.config import Options
from framefleet.errors import FrameFleetError, told
from framefleet.fleet.meter import Meter
from framefleet.logs import logger
from framefleet.media.audio_encode import ClipFormat
from framefleet.media.decode import decode_orders
from framefleet.media.info import MediaInfo
from framefleet.media.order import JpegView, Order
from framefleet.pipeline.consumers import BatchConsumer, ClipConsumer, WatchConsumer
from framefleet.pipeline.interrupt import interrupted
from framefleet.pipeline.lane import Lane
from framefleet.pipeline.open import WATCH_S, LaneOpener
from framefleet.pipeline.pumps import PicturePump, SoundPump
from framefleet.pipeline.threads import decoding_threads
from framefleet.pipeline.warm import warm_up
from framefleet.progress import Listener, Notice
from framefleet.stages.base import Needs
from framefleet.stages.objects.forecast import max_side
from framefleet.stages.pictures import PictureStage
from framefleet.units import Seconds, Span

log = logger(__name__)

_MENDED = Notice(
    "sound: channels that a plain mix would lose (opposite to each other, or outside of it) are heard; "
    "--audio-channel mix does without, left, right or loudest takes one"
)

END_S = 2.0  # how long what is being read may take to stop, where the run ends before it is all


def _pumps(
    lanes: Sequence[Lane],
    watchers: Sequence[WatchConsumer],
    media: MediaInfo,
    options: Options,
    keyframes_s: list[Seconds],
    listener: Listener,
    stop: threading.Event,
) -> list[PicturePump | SoundPump]:
    """One for the pictures, if anybody wants any, and one for each way in which the sound is cut."""
    wanting = [lane for lane in lanes if lane.items]
    pictures = [_batches(lane, options) for lane in wanting if lane.plan.stage.needs is Needs.PICTURES]
    sounds = [lane for lane in wanting if lane.plan.stage.needs is Needs.AUDIO]
    decode = partial(
        decode_orders,
        media,
        sampling=options.sampling,
        threads=decoding_threads(os.cpu_count() or 1, [lane.plan.backend for lane in wanting]),
        on_keyframe=keyframes_s.append,
        on_end_lost=partial(_tell_end_lost, listener),
    )
    hearing = Meter()
    looking: list[BatchConsumer | WatchConsumer] = [*pictures, *watchers]
    return [
        *([PicturePump(looking, decode, stop)] if looking else []),
        *(
            SoundPump(
                [ClipConsumer(lane) for lane in group],
                media,
                clip_format(group[0]),
                hearing,
                stop,
                partial(group[0].listener, _MENDED) if number == 0 else None,  # the others hear the same
            )
            for number, group in enumerate(sound_groups(sounds))
        ),
    ]


def _tell_end_lost(listener: Listener, time: Fraction, error: str) -> None:
    """A note and no failure: files are cut there."""
    listener(Notice(f"pictures: the very end is lost, from {float(time):.2f} s on ({error}); the one before it stays"))


def _batches(lane: Lane, options: Options) -> BatchConsumer:
    stage, view = lane.plan.stage, JpegView(max_side(options, lane.plan.backend), options.jpeg_quality, options.crop)
    assert isinstance(stage, PictureStage)
    wanted = [sample for batch in lane.items for sample in batch.samples]
    return BatchConsumer(lane, Order(stage.to_see(wanted, options), view))


def clip_format(lane: Lane) -> ClipFormat:
    """FLAC where nothing is uploaded, so that nothing is lost."""
    return "flac" if lane.plan.backend == "local" else "opus"


def sound_groups(lanes: Sequence[Lane]) -> list[list[Lane]]:
    """Lanes that can share a decode of the sound: cut alike, in one format. Those that take it as it is go first."""
    groups: dict[tuple[ClipFormat, tuple[Span, ...]], list[Lane]] = {}
    for lane in sorted(lanes, key=lambda lane: lane.sieve is not None):
        cut = tuple(chunk.span for chunk in lane.plan.items)
        groups.setdefault((clip_format(lane), cut), []).append(lane)
    return list(groups.values())


def feed(
    lanes: Sequence[Lane],
    watchers: Sequence[WatchConsumer],
    opener: LaneOpener,
    media: MediaInfo,
    options: Options,
    keyframes_s: list[Seconds],
    listener: Listener,
) -> dict[str, Meter]:
    """Feeds every stage to its end. When that cannot be, nothing more is sent and what is queued is cancelled.

    The times of the keyframes that come by are added to `keyframes_s`.
    """
    stop = threading.Event()
    pumps: list[PicturePump | SoundPump] = []
    watches = [lane.watch for lane in lanes if lane.watch is not None]
    try:
        for watch in watches:
            watch.start()
        for lane in lanes:
            opener.resume(lane)
        warm_up(lanes, options)
        pumps = _pumps(lanes, watchers, media, options, keyframes_s, listener, stop)
        for pump in pumps:
            pump.start()
        _wait(pumps)
        for lane in lanes:
            while not lane.dispatcher.idle(WATCH_S):
                pass
    except BaseException as error:
        log.info("the run ends early: %s", error, exc_info=error)
        stop.set()
        why, stopped = error, isinstance(error, KeyboardInterrupt)
        try:
            why = interrupted(lanes, options) if stopped else error
        finally:  # whatever comes between: what is not ended here goes on and costs
            reason = why if isinstance(why, FrameFleetError) else FrameFleetError(told(why))
            for lane in lanes:  # all at once, and then each its jobs, which takes a while
                lane.asker.stop(reason)
            for lane in lanes:
                lane.dispatcher.end(reason)
        for pump in pumps:
            if pump.is_alive():
                pump.join(END_S / len(pumps))
        if stopped:
            raise why from None
        raise
    finally:
        for watch in watches:
            watch.close()
    return {pump.reads: pump.meter for pump in pumps}


def _wait(pumps: Sequence[PicturePump | SoundPump]) -> None:
    """Returns when all is fed. Raises the fault that ended one, if one did, whatever the others are at."""
    while any(pump.is_alive() for pump in pumps) and all(pump.fault is None for pump in pumps):
        for pump in pumps:
            pump.join(WATCH_S / len(pumps))
    for pump in pumps:
        if pump.fault is not None:
            raise pump.fault
