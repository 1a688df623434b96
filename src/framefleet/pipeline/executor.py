"""The execution of a wave of stages: it starts the readers, and waits until everything is done or cancelled."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from functools import partial

from framefleet.cancel import CancelScope
from framefleet.config.options import Options, Sampling
from framefleet.errors import FleetError, FrameFleetError, Interrupted, describe
from framefleet.fleet.execution.dispatcher import WATCH_S
from framefleet.logs import logger
from framefleet.media.audio.encode import ClipForm
from framefleet.media.transport.sound import sound_transport
from framefleet.media.types import MediaInfo
from framefleet.media.video.decode import decode_orders
from framefleet.metrics import BusyTimer
from framefleet.pipeline.assembly import StageAssembly
from framefleet.pipeline.consumers import BatchConsumer, ClipConsumer, WatchConsumer
from framefleet.pipeline.readers import AudioReader, FrameReader
from framefleet.pipeline.stage_run import StageRun
from framefleet.progress import Listener, Notice
from framefleet.stages.base import Needs
from framefleet.stages.frame_stage import PictureStage
from framefleet.timebase import Seconds, Span

log = logger(__name__)


def warm_up(lanes: Sequence[StageRun], options: Options) -> None:
    """Send `options.warm` probes to every endpoint with work, but no more than it gets requests. Waits for none."""
    for lane in lanes:
        count = min(options.warm, len(lane.items))
        if not lane.plan.capabilities.probed or not count:
            continue
        name = lane.plan.stage.name
        try:
            lane.asker.wake(count)
        except FleetError as error:
            log.info("%s: cannot wake its workers", name, exc_info=error)
            lane.listener(Notice(f"{name}: could not wake workers ({error}); continuing"))
        else:
            lane.listener(Notice(f"{name}: waking {count} workers"))


def decoding_threads(cores: int, *, models_here: bool) -> int:
    """Return the number of decoding threads: one per core, or half as many if a stage's model runs on this machine.

    Those models take turns and use all cores; with one decoder per core besides, they evict each other from the caches.
    On 2 cores a minute of 1080p with all default stages here took 4.2 s with one decoder, 4.7 with two.
    """
    return max(1, cores // 2) if models_here else cores


_MENDED = Notice(
    "audio: kept channels that a plain mix would lose (in antiphase, or not part of the mix); "
    "--audio-channel mix makes the plain mix, left, right or loudest takes one channel"
)

END_S = 2.0  # how long the readers may take to stop if the run ends early
INTERRUPTED_S = 2.0  # how long requests in flight are awaited after Ctrl-C


def _pumps(
    lanes: Sequence[StageRun],
    watchers: Sequence[WatchConsumer],
    media: MediaInfo,
    meters: dict[str, BusyTimer],
    keyframes_s: list[Seconds],
    cores: int,
    listener: Listener,
    scope: CancelScope,
) -> list[FrameReader | AudioReader]:
    """Return a reader of frames per kind of sampling in use, and one of sound per way in which it is cut."""
    wanting = [lane for lane in lanes if lane.items]
    looking = defaultdict[Sampling, list[BatchConsumer | WatchConsumer]](list)
    for lane in filter(_looks, wanting):
        looking[lane.plan.options.decoding].append(_batches(lane, media))
    for watcher in watchers:
        looking[watcher.sampling].append(watcher)
    sounds = [lane for lane in wanting if not _looks(lane)]
    decode = partial(
        decode_orders,
        media,
        threads=decoding_threads(cores, models_here=any(not lane.plan.capabilities.remote for lane in wanting)),
        on_keyframe=keyframes_s.append,
        on_end_lost=partial(_tell_end_lost, listener),
    )
    return [
        *(
            FrameReader(
                consumers, partial(decode, sampling=sampling), meters.setdefault("pictures", BusyTimer()), scope
            )
            for sampling, consumers in looking.items()
        ),
        *(
            AudioReader(
                [ClipConsumer(lane) for lane in group],
                media,
                clip_form(group),
                meters.setdefault("sound", BusyTimer()),
                scope,
                partial(group[0].listener, _MENDED) if number == 0 else None,  # once: the sound is the same for all
            )
            for number, group in enumerate(sound_groups(sounds))
        ),
    ]


def _tell_end_lost(listener: Listener, time: Fraction, error: str) -> None:
    """Report a lost end as a notice, not as a failure: many files are truncated."""
    listener(Notice(f"frames: cannot decode the end, from {float(time):.2f} s ({error}); repeating the last frame"))


def _looks(lane: StageRun) -> bool:
    return lane.plan.stage.needs is Needs.PICTURES


def _batches(lane: StageRun, media: MediaInfo) -> BatchConsumer:
    plan, stage = lane.plan, lane.plan.stage
    assert isinstance(stage, PictureStage)
    wanted = [sample for batch in lane.items for sample in batch.samples]
    return BatchConsumer(lane, stage.order(wanted, media, plan.options, plan.capabilities))


def clip_form(group: Sequence[StageRun]) -> ClipForm:
    """Return the form in which the group's clips are read: samples if a prefilter checks them before encoding."""
    looked_into = any(lane.prefilter is not None for lane in group)
    return "samples" if looked_into else sound_transport(group[0].plan.capabilities.transports).kind


def sound_groups(lanes: Sequence[StageRun]) -> list[list[StageRun]]:
    """Return groups of stages that can share a decode of the sound: cut alike, and sent in one form.

    Stages without a prefilter come first.
    """
    groups: dict[tuple[ClipForm, tuple[Span, ...]], list[StageRun]] = {}
    for lane in sorted(lanes, key=lambda lane: lane.prefilter is not None):
        cut = tuple(chunk.span for chunk in lane.plan.items)
        form = sound_transport(lane.plan.capabilities.transports).kind
        groups.setdefault((form, cut), []).append(lane)
    return list(groups.values())


def run_stages(
    lanes: Sequence[StageRun],
    watchers: Sequence[WatchConsumer],
    opener: StageAssembly,
    media: MediaInfo,
    options: Options,
    meters: dict[str, BusyTimer],
    keyframes_s: list[Seconds],
    listener: Listener,
    scope: CancelScope,
) -> None:
    """Run every stage to its end. On an error nothing more is sent, and queued jobs are cancelled.

    Decoding is measured in `meters`; the times of the keyframes it meets are appended to `keyframes_s`. This is the
    only place where Ctrl-C becomes a cancellation of the run; a second Ctrl-C ends it at once. Raises the reason for
    which `scope` was cancelled.
    """
    pumps: list[FrameReader | AudioReader] = []
    watches = [lane.watch for lane in lanes if lane.watch is not None]
    try:
        for watch in watches:
            watch.start()
        for lane in lanes:
            opener.resume(lane)
        warm_up(lanes, options)
        pumps = _pumps(lanes, watchers, media, meters, keyframes_s, opener.cores, listener, scope)
        for pump in pumps:
            pump.start()
        _wait(pumps, scope)
        for lane in lanes:
            while not lane.dispatcher.idle(WATCH_S):
                scope.check()
        scope.check()  # stages are idle after a cancellation too
    except BaseException as error:
        log.info("the run ends early: %s", error, exc_info=error)
        if isinstance(error, KeyboardInterrupt):
            scope.cancel(Interrupted("interrupted"), drain_s=INTERRUPTED_S)
        elif not scope.cancelled:
            scope.cancel(error if isinstance(error, FrameFleetError) else FrameFleetError(describe(error)))
        _drain(lanes)
        for pump in pumps:
            if pump.is_alive():
                pump.join(END_S / len(pumps))
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted("interrupted") from None
        raise
    finally:
        for watch in watches:
            watch.close()


def _drain(lanes: Sequence[StageRun]) -> None:
    """End all stages of a cancelled run in parallel: each cancels its jobs, which takes a while."""
    draining = [threading.Thread(target=lane.dispatcher.drain, daemon=True) for lane in lanes]
    for thread, lane in zip(draining, lanes, strict=True):
        try:
            thread.start()
        except RuntimeError as error:  # the limit of threads is reached
            log.warning("%s: cannot start a thread to end it", lane.plan.stage.name, exc_info=error)
            lane.dispatcher.drain()
    for thread in draining:
        while thread.is_alive():  # with a timeout, so that a second Ctrl-C works on every platform
            thread.join(WATCH_S)


def _wait(pumps: Sequence[FrameReader | AudioReader], scope: CancelScope) -> None:
    """Wait until all readers are done. Raises a reader's fault at once, even if others are still running."""
    while any(pump.is_alive() for pump in pumps) and all(pump.fault is None for pump in pumps):
        scope.check()
        for pump in pumps:
            pump.join(WATCH_S / len(pumps))
    for pump in pumps:
        if pump.fault is not None:
            raise pump.fault
