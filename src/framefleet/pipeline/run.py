"""The run of a plan: its waves one after the other, and the stages of a wave side by side."""

import contextlib
import ctypes
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from framefleet.cancel import CancelScope
from framefleet.config.options import Options
from framefleet.errors import CancelledError, FleetError, FrameFleetError
from framefleet.fleet.backends.base import Backend
from framefleet.fleet.backends.connections import connections_allowed, open_files_limit
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.execution.retry import AGAIN, RetryPolicy, retrying
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.media.types import MediaInfo
from framefleet.metrics import BusyTimer
from framefleet.pipeline.assembly import StageAssembly
from framefleet.pipeline.consumers import WatchConsumer
from framefleet.pipeline.derive import ClientResult, derive
from framefleet.pipeline.executor import run_stages
from framefleet.pipeline.finish import FinishedStage, ended, finish, note_cost
from framefleet.pipeline.kept import KeptResults, watched_key
from framefleet.pipeline.plan import RunPlan, StagePlan, WatchPlan, known_inputs
from framefleet.pipeline.resources import Resources
from framefleet.pipeline.stage_run import StageRun
from framefleet.progress import Listener, Notice, StageDone, StageStarted
from framefleet.timebase import Seconds

log = logger(__name__)

_M_MMAP_THRESHOLD = -3  # <malloc.h>
_BYTES = 128 * 1024  # glibc's own starting value


def give_back_freed_memory() -> None:
    """Make glibc return large blocks to the system as soon as they are freed.

    glibc raises its threshold for that (to 32 MiB) when large blocks are allocated and freed, as frames and sound are
    here, and then keeps them in a heap that only grows: 60 minutes of video took 1.15 times the memory of 30, and 1.05
    with a fixed threshold. Does nothing on other C libraries.
    """
    if sys.platform != "linux":
        return
    try:
        ctypes.CDLL("libc.so.6").mallopt(_M_MMAP_THRESHOLD, _BYTES)
    except (OSError, AttributeError) as error:
        log.debug("cannot set the threshold for freed memory", exc_info=error)


ANOTHER_S = 5.0  # how often it is checked whether another process is done with a video
REACH_S = 15.0  # a service that is unreachable from the start may be misspelt, so the run ends soon


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, before it becomes a document. `decode` has a meter for frames and one for sound."""

    media: MediaInfo
    options: Options
    names: tuple[str, ...]
    stages: dict[str, FinishedStage]
    client: dict[str, ClientResult]
    decode: dict[str, BusyTimer]
    started_at: datetime
    wall_s: Seconds


def run(
    media: MediaInfo,
    sha256: str,
    plan: RunPlan,
    options: Options,
    resources: Resources,
    budget: Budget,
    journal_path: Path,
    listener: Listener,
    scope: CancelScope,
) -> Run:
    """Run a plan to its end, within its `budget`. Raises the error that ended it, or the reason for which `scope` is
    cancelled.

    The error has a note (PEP 678) with the cost until then, and its dollars as `usd`.
    """
    started_at, began = datetime.now(UTC), perf_counter()
    give_back_freed_memory()
    waves = _Waves(plan, media, options, listener, scope)
    try:
        with contextlib.ExitStack() as opened_here:
            backends = opened_here.enter_context(resources.backends(plan.fleet, options))
            for stage in plan.fleet:
                check_reachable(backends[stage.backend], stage.stage.endpoint, options, listener, scope)
            if any(stage.capabilities.probed for stage in plan.fleet):
                _tell_of_few_connections(options, listener)
            wait = partial(_wait_for_another, listener, scope)
            journal = opened_here.enter_context(resources.journal_of(journal_path, sha256, wait))
            opener = StageAssembly(media, sha256, options, resources, budget, backends, journal, listener, scope)
            for wave in plan.waves:
                scope.check()
                waves.run(wave, opener, journal, sha256)
            scope.check()
    except CancelledError as error:
        raise ended(error, waves.lanes, options) from None
    except FrameFleetError as error:
        note_cost(error, waves.lanes, options)
        raise
    wall_s = perf_counter() - began
    return Run(media, options, plan.names, waves.stages, waves.client, waves.decode, started_at, wall_s)


@dataclass(slots=True)
class _Waves:
    """The waves of a run: those of its stages that have ended, and the lanes of all that were begun."""

    plan: RunPlan
    media: MediaInfo
    options: Options
    listener: Listener
    scope: CancelScope
    lanes: list[StageRun] = field(default_factory=list)
    stages: dict[str, FinishedStage] = field(default_factory=dict)
    client: dict[str, ClientResult] = field(default_factory=dict)
    decode: dict[str, BusyTimer] = field(default_factory=dict)

    def run(self, wave: Sequence[str], opener: StageAssembly, journal: Journal, sha256: str) -> None:
        """Run the stages of a wave to their ends: those that derive first, then all that read the video."""
        media, listener, keep = self.media, self.listener, KeptResults(journal, sha256)
        found = _results(self.stages, self.client)
        deriving = [each for each in self.plan.deriving if each.spec.name in wave]
        self.client |= derive(deriving, media, found, listener, keep)
        ready = [each for each in self.plan.fleet if each.spec.name in wave]
        vain = {each.spec.name: _nothing_for(each, found, listener) for each in ready}
        watched = [each for each in self.plan.watching if each.spec.name in wave]
        known = {each.spec.name: _recall(each, media, keep, listener) for each in watched}
        self.client |= {name: result for name, result in (vain | known).items() if result is not None}
        opened = [opener.open(known_inputs(each, media, found)) for each in ready if each.spec.name not in self.client]
        self.lanes += opened
        watched = [each for each in watched if each.spec.name not in self.client]
        keyframes_s: list[Seconds] = []
        watchers = [_watcher(watch, media, keyframes_s, listener) for watch in watched]
        run_stages(opened, watchers, opener, media, self.options, self.decode, keyframes_s, listener, self.scope)
        self.stages |= {lane.plan.stage.name: finish(lane, media, journal, sha256) for lane in opened}
        self.client |= {watcher.name: _watched(watcher) for watcher in watchers}
        for each in watched:
            if (result := self.client[each.spec.name]).error is None and not result.missed:
                keep.remember(each.stage, watched_key(each, media), result.result)
        if opened or watchers:
            _raise_if_nothing_came(self.stages, self.client)


def check_reachable(backend: Backend, endpoint: str, options: Options, listener: Listener, scope: CancelScope) -> None:
    """Check the backend, so that a wrong key or id ends the run before it costs anything. Passing errors are
    retried."""
    policy = RetryPolicy(options.max_attempts, min(options.patience_s, REACH_S))
    for attempt in retrying(policy, sleep=scope.sleep):
        with attempt:
            try:
                backend.health(endpoint)
            except FleetError as error:
                if attempt.retry_state.attempt_number == 1 and error.advice in AGAIN:
                    listener(Notice(f"{error}; retrying for up to {policy.patience_s:g} s"))
                raise


def _wait_for_another(listener: Listener, scope: CancelScope, holder: str) -> None:
    """Wait a while for the process that has the video's journal. Raises the reason of `scope`."""
    if holder:
        host = holder.partition(":")[0].partition("/")[0]
        listener(Notice(f"waiting for another process on {host}, which analyzes this video"))
    scope.sleep(ANOTHER_S)


def _tell_of_few_connections(options: Options, listener: Listener) -> None:
    """Report if the limit of open files allows fewer connections than requests in flight."""
    allowed = connections_allowed()
    if options.max_workers != "auto" and options.max_workers > allowed:
        files = f"limit of {open_files_limit()} open files (ulimit -n)"
        listener(Notice(f"{files}: at most {allowed} of {options.max_workers} requests in flight have a connection"))


def _watcher(plan: WatchPlan, media: MediaInfo, keyframes_s: Sequence[Seconds], listener: Listener) -> WatchConsumer:
    watcher = plan.stage.watch(media, plan.options, keyframes_s)
    return WatchConsumer(plan.stage.name, plan.order, watcher, listener, plan.options.decoding)


def _recall(plan: WatchPlan, media: MediaInfo, keep: KeptResults, listener: Listener) -> ClientResult | None:
    """Return the stage's result of an earlier run on the same frames; None if they must be watched."""
    result = keep.recall(plan.stage, watched_key(plan, media), plan.options)
    if result is None:
        return None
    listener(StageStarted(plan.spec.name, "local", 0, 0, "frames", known=len(plan.order.samples)))
    listener(StageDone(plan.spec.name))
    return ClientResult(result, BusyTimer())


def _watched(watcher: WatchConsumer) -> ClientResult:
    result = watcher.result()  # first, because it may set the error
    return ClientResult(result, watcher.meter, watcher.error, [] if watcher.error else watcher.missed.stretches)


def _nothing_for(plan: StagePlan, found: Mapping[str, Any], listener: Listener) -> ClientResult | None:
    """Return the failure of a stage that needs a result that does not exist; None if there is input."""
    lacking = next((name for name in plan.spec.needs if name not in found), None)
    if lacking is None:
        return None
    error = f"no input: {lacking} has no result"
    listener(Notice(f"{plan.spec.name}: {error}"))
    return ClientResult(None, BusyTimer(), error)


def _results(stages: Mapping[str, FinishedStage], client: Mapping[str, ClientResult]) -> dict[str, Any]:
    """Return the results so far by stage name, without those of failed stages."""
    done = {name: stage.result for name, stage in stages.items() if stage.outcome.answers or not stage.plan.items}
    done |= {name: stage.result for name, stage in client.items()}
    return {name: result for name, result in done.items() if result is not None}


def _raise_if_nothing_came(stages: Mapping[str, FinishedStage], client: Mapping[str, ClientResult]) -> None:
    """Raise the first error if every stage failed, instead of writing a document of nulls."""
    asked = [stage for stage in stages.values() if stage.plan.items]
    if any(stage.outcome.answers for stage in asked) or any(stage.error is None for stage in client.values()):
        return
    for stage in asked:
        if stage.outcome.fatal is not None:
            raise stage.outcome.fatal
    failed = [failure.error for stage in asked for failure in stage.outcome.failures]
    failed += [stage.error for stage in client.values() if stage.error is not None]
    if failed:
        raise FrameFleetError(f"every stage failed: {failed[0]}", code="nothing_done")
