"""Runs the lanes side by side to their end."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from framefleet.config import Fleet, Options
from framefleet.errors import FleetError, FrameFleetError, Interrupted
from framefleet.fleet.backend import Backend
from framefleet.fleet.dispatch import Outcome
from framefleet.fleet.retry import AGAIN, RetryPolicy, retrying
from framefleet.journal.store import Journal
from framefleet.media.info import MediaInfo
from framefleet.pipeline.lane import Lane
from framefleet.pipeline.open import WATCH_S, LaneOpener, open_backends
from framefleet.pipeline.plan import StagePlan
from framefleet.pipeline.pumps import Pump
from framefleet.pipeline.warm import warm_up
from framefleet.progress import Listener, Notice, StageDone
from framefleet.units import Seconds

REACH_S = 15.0  # a service that is away from the start may be misspelt, so a person hears of it soon


@dataclass(frozen=True, slots=True)
class StageRun:
    """What came of one stage. `result` is its own merged result; times are seconds of wall time."""

    plan: StagePlan
    outcome: Outcome
    result: Any
    busy_s: Seconds
    waiting_s: Seconds
    decode_busy_s: Seconds
    decode_waiting_s: Seconds


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, before it becomes a document."""

    media: MediaInfo
    options: Options
    stages: dict[str, StageRun]
    started_at: datetime
    wall_s: Seconds


def run(
    media: MediaInfo,
    sha256: str,
    plans: Sequence[StagePlan],
    options: Options,
    fleet: Fleet,
    journal_path: Path,
    listener: Listener,
) -> Run:
    """Runs every plan to its end. Raises the error that made all of it impossible, or `Interrupted`."""
    started_at, began = datetime.now(UTC), perf_counter()
    backends = open_backends(plans, options, fleet)
    try:
        for plan in plans:
            check_reachable(backends[plan.backend], plan.stage.endpoint, options, listener)
        with closing(Journal(journal_path)) as journal:
            opener = LaneOpener(media, sha256, options, backends, journal, listener)
            lanes = [opener.open(plan) for plan in plans]
            feeds = _feed(lanes, opener, media, options)
            stages = {
                lane.plan.stage.name: _finish(lane, feed, media, options)
                for lane, feed in zip(lanes, feeds, strict=True)
            }
    finally:
        for backend in backends.values():
            backend.close()
    _raise_if_nothing_came(stages)
    return Run(media, options, stages, started_at, perf_counter() - began)


def check_reachable(backend: Backend, endpoint: str, options: Options, listener: Listener) -> None:
    """A wrong key or id ends the run before it costs anything; a service that hiccups is asked again for a while."""
    policy = RetryPolicy(options.max_attempts, min(options.patience_s, REACH_S))
    for attempt in retrying(policy):
        with attempt:
            try:
                backend.health(endpoint)
            except FleetError as error:
                if attempt.retry_state.attempt_number == 1 and error.advice in AGAIN:
                    listener(Notice(f"{error}; trying for {policy.patience_s:g} s"))
                raise


def _feed(lanes: Sequence[Lane], opener: LaneOpener, media: MediaInfo, options: Options) -> list[Pump]:
    """Feeds every lane to its end. When that cannot be, nothing more is sent and what is queued is cancelled."""
    stop = threading.Event()
    watches = [lane.watch for lane in lanes if lane.watch is not None]
    try:
        for watch in watches:
            watch.start()
        for lane in lanes:
            opener.resume(lane)
        warm_up(lanes, options)
        feeds = [Pump(lane, media, options, stop) for lane in lanes]
        for feed in feeds:
            feed.start()
        for feed in feeds:
            feed.wait(WATCH_S)
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
    return feeds


def _finish(lane: Lane, feed: Pump, media: MediaInfo, options: Options) -> StageRun:
    outcome = lane.dispatcher.finish()
    lane.asker.settle()
    unanswered = [fact for failure in outcome.failures for fact in failure.facts]
    outcome.failures.extend(lane.lost)
    lane.listener(StageDone(lane.plan.stage.name))
    meter = lane.dispatcher.meter
    return StageRun(
        plan=lane.plan,
        outcome=outcome,
        result=lane.plan.stage.merge(media, options, outcome.answers, unanswered),
        busy_s=meter.busy_s,
        waiting_s=meter.waiting_s,
        decode_busy_s=feed.meter.busy_s,
        decode_waiting_s=feed.meter.waiting_s,
    )


def _raise_if_nothing_came(stages: Mapping[str, StageRun]) -> None:
    """Nothing could be done at all: say why instead of writing a document of nulls."""
    if any(stage.outcome.answers for stage in stages.values()):
        return
    for stage in stages.values():
        if stage.outcome.fatal is not None:
            raise stage.outcome.fatal
    for stage in stages.values():
        for failure in stage.outcome.failures:
            raise FrameFleetError(f"nothing could be done: {failure.error}")
