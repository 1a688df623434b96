"""The run of a plan: its waves one after the other, and the stages of a wave side by side."""

import contextlib
import ctypes
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from framefleet.cancel import CancelScope
from framefleet.config.options import Options
from framefleet.errors import (
    CancelledError,
    FleetError,
    FrameFleetError,
    Interrupted,
    describe,
)
from framefleet.fleet.backends.base import Backend
from framefleet.fleet.backends.connections import connections_allowed, open_files_limit
from framefleet.fleet.billing.bill import Bill
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.execution.delivery import Failure
from framefleet.fleet.execution.dispatcher import Outcome
from framefleet.fleet.execution.retry import AGAIN, RetryPolicy, retrying
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.media.audio.gaps import BRIEF_S, joined
from framefleet.media.types import ClipTime, MediaInfo
from framefleet.metrics import BusyTimer
from framefleet.pipeline.assembly import StageAssembly
from framefleet.pipeline.consumers import WatchConsumer
from framefleet.pipeline.derive import ClientResult, derive
from framefleet.pipeline.executor import run_stages
from framefleet.pipeline.kept import KeptResults, watched_key
from framefleet.pipeline.plan import (
    RunPlan,
    StagePlan,
    WatchPlan,
    known_inputs,
)
from framefleet.pipeline.resources import Resources
from framefleet.pipeline.stage_run import StageRun
from framefleet.progress import Listener, Notice, StageDone, StageStarted
from framefleet.stages.base import Remembering
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
class FinishedStage:
    """The outcome of one stage of the fleet. `result` is its merged result; None if merging failed.

    `asked` measures its requests, `in_hand` its payloads from the dispatcher's queue to their answers, and
    `prefiltering` the prefilter. `others` is what other runs on the video were charged.
    """

    plan: StagePlan
    outcome: Outcome
    result: Any
    asked: BusyTimer
    in_hand: BusyTimer
    prefiltering: BusyTimer
    others: Sequence[JobUsage] = ()


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
    lanes: list[StageRun] = []
    stages: dict[str, FinishedStage] = {}
    client: dict[str, ClientResult] = {}
    decode: dict[str, BusyTimer] = {}
    try:
        with contextlib.ExitStack() as opened_here:
            backends = opened_here.enter_context(resources.backends(plan.fleet, options))
            for stage in plan.fleet:
                check_reachable(backends[stage.backend], stage.stage.endpoint, options, listener, scope)
            if any(stage.capabilities.probed for stage in plan.fleet):
                _tell_of_few_connections(options, listener)
            wait = partial(_wait_for_another, listener, scope)
            journal = opened_here.enter_context(resources.journal_of(journal_path, sha256, wait))
            keep = KeptResults(journal, sha256)
            opener = StageAssembly(media, sha256, options, resources, budget, backends, journal, listener, scope)
            for wave in plan.waves:
                scope.check()
                found = _results(stages, client)
                deriving = [each for each in plan.deriving if each.spec.name in wave]
                client |= derive(deriving, media, found, listener, keep)
                ready = [each for each in plan.fleet if each.spec.name in wave]
                vain = {each.spec.name: _nothing_for(each, found, listener) for each in ready}
                client |= {name: result for name, result in vain.items() if result is not None}
                ready = [known_inputs(each, media, found) for each in ready if each.spec.name not in client]
                opened = [opener.open(stage) for stage in ready]
                lanes += opened
                keyframes_s: list[Seconds] = []
                watched = [each for each in plan.watching if each.spec.name in wave]
                known = {each.spec.name: _recall(each, media, keep, listener) for each in watched}
                client |= {name: result for name, result in known.items() if result is not None}
                watched = [each for each in watched if each.spec.name not in client]
                watchers = [_watcher(watch, media, keyframes_s, listener) for watch in watched]
                run_stages(opened, watchers, opener, media, options, decode, keyframes_s, listener, scope)
                stages |= {lane.plan.stage.name: _finish(lane, media, journal, sha256) for lane in opened}
                client |= {watcher.name: _watched(watcher) for watcher in watchers}
                for each in watched:
                    if (result := client[each.spec.name]).error is None and not result.missed:
                        keep.remember(each.stage, watched_key(each, media), result.result)
                if opened or watchers:
                    _raise_if_nothing_came(stages, client)
            scope.check()
    except CancelledError as error:
        raise ended(error, lanes, options) from None
    except FrameFleetError as error:
        note_cost(error, lanes, options)
        raise
    return Run(media, options, plan.names, stages, client, decode, started_at, perf_counter() - began)


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


def _finish(lane: StageRun, media: MediaInfo, journal: Journal, sha256: str) -> FinishedStage:
    outcome = lane.dispatcher.finish()
    outcome.held_s = lane.asker.held_s
    lane.asker.settle()
    if lane.asker.failed and outcome.fatal is None and outcome.answers:
        lane.listener(Notice(f"{lane.plan.stage.name}: {_in_vain(lane.asker.failed)}"))
    result = _merged(lane, outcome, media, journal, sha256)
    outcome.failures.extend([*lane.lost, *unheard(outcome, lane.plan.stage.name, lane.listener)])
    lane.listener(StageDone(lane.plan.stage.name))
    models = {answer.reply.model_id: answer.reply.model for answer in outcome.answers if answer.reply.model}
    if len(models) > 1:  # the endpoint's model was changed since the journal's answers, or is being changed
        named = ", ".join(f"{name} ({id[:8]}…)" for id, name in sorted(models.items()))
        lane.listener(
            Notice(f"{lane.plan.stage.name}: answers from different models: {named}; --fresh sends everything again")
        )
    return FinishedStage(
        plan=lane.plan,
        outcome=outcome,
        result=result,
        asked=lane.asker.meter,
        in_hand=lane.dispatcher.in_hand,
        prefiltering=lane.prefiltering,
        others=lane.ledger.others() if lane.ledger is not None else [],
    )


def _in_vain(failed: Counter[str]) -> str:
    """Return a message with the number of requests that failed but were billed, and their most frequent error."""
    (words, most), count = failed.most_common(1)[0], failed.total()
    requests, was = ("1 request", "was") if count == 1 else (f"{count} requests", "were")
    others = f" ({most} of them)" if most < count else ""
    return f"{requests} failed but {was} billed, and retried where possible; {words}{others}"


def unheard(outcome: Outcome, name: str, listener: Listener) -> list[Failure]:
    """Return failures for the gaps of answered clips: sound that could not be decoded, in this run or before.

    A gap too short to lose a word is only a notice.
    """
    facts = [fact for answer in outcome.answers for fact in answer.facts if isinstance(fact, ClipTime)]
    gaps = joined(gap for fact in facts for gap in fact.gaps)
    brief = [gap for gap in gaps if gap.span.length_s <= BRIEF_S]
    if brief:
        times = "" if len(brief) == 1 else f"{len(brief)} times, first "
        lost = f"at most {BRIEF_S:g} s of audio lost {times}at {brief[0].span.start_s:.2f} s ({brief[0].error})"
        listener(Notice(f"{name}: {lost}"))
    return [Failure((ClipTime(-1, gap.span),), gap.error, attempts=0) for gap in gaps if gap not in brief]


def _merged(lane: StageRun, outcome: Outcome, media: MediaInfo, journal: Journal, sha256: str) -> Any:
    """Return the stage's merged result; None if merging failed. The answers stay in the journal."""
    unanswered = [fact for failure in outcome.failures for fact in failure.facts]
    try:
        result = lane.plan.stage.merge(media, lane.plan.options, outcome.answers, unanswered)
        return _recalled(lane, result, journal, sha256, whole=not (unanswered or lane.lost or outcome.failures))
    except Exception as error:  # a failure of one stage must not lose the others' results
        log.warning("%s: cannot merge its answers", lane.plan.stage.name, exc_info=error)
        outcome.failures.append(Failure((), describe(error), attempts=0))
        lane.listener(Notice(f"{lane.plan.stage.name}: {describe(error)}"))
        return None


def _recalled(lane: StageRun, result: Any, journal: Journal, sha256: str, *, whole: bool) -> Any:
    """Return the result, with what the stage remembers of earlier runs on the video."""
    stage = lane.plan.stage
    if not isinstance(stage, Remembering):
        return result
    recalled = stage.recall(result, journal.recall(sha256, stage.name), lane.plan.options, whole=whole)
    journal.remember(sha256, stage.name, recalled.kept)
    for note in recalled.notes:
        lane.listener(Notice(f"{stage.name}: {note}"))
    return recalled.result


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


def ended(error: CancelledError, lanes: Sequence[StageRun], options: Options) -> CancelledError:
    """Return the error that a cancelled run ends with: its reason, and what is saved and spent until then.

    An error of another class, which a caller passed as reason, is returned as it is, with a note.
    """
    if type(error) not in {CancelledError, Interrupted}:
        note_cost(error, lanes, options)
        return error
    kept = ", ".join(_kept(lane) for lane in lanes if lane.plan.items)
    spent = [_spent(lane, options) for lane in lanes if lane.plan.capabilities.billed]
    again = "run the same command again" if isinstance(error, Interrupted) else "call it again"
    parts = [f"{kept} kept"] * bool(kept) + [f"about ${sum(spent):.4f} spent"] * bool(spent)
    whole = type(error)(": ".join([str(error), *(["; ".join(parts)] * bool(parts))]), hint=f"{again} to resume")
    whole.usd = sum(spent)
    return whole


def note_cost(error: FrameFleetError, lanes: Sequence[StageRun], options: Options) -> None:
    """Add a note with the cost so far to the error that ends a run, if any stage is billed."""
    paid = [lane for lane in lanes if lane.plan.capabilities.billed]
    charges = [charge for lane in paid for charge in list(lane.asker.charges)]
    if not paid:
        return
    usd, ran_s = sum(_spent(lane, options) for lane in paid), sum(c.receipt.execution_ms for c in charges) / 1000
    error.usd = usd
    jobs = "1 job" if len(charges) == 1 else f"{len(charges)} jobs"
    spent = f"about ${usd:.4f} spent on {jobs} ({ran_s:.1f} s)" if charges else "nothing spent"
    unheard = sum(lane.asker.unheard for lane in paid)
    error.add_note(f"{spent}, plus {unheard} more with unknown cost" if unheard else spent)


def _kept(lane: StageRun) -> str:
    plan = lane.plan
    answered = {fact.index for answer in lane.dispatcher.answers for fact in answer.facts}
    left = sum(item.units for item in plan.stage.remaining(plan.items, answered, plan.options))
    return f"{plan.stage.name} {plan.units - left:.0f} of {plan.units:.0f} {plan.stage.unit}"


def _spent(lane: StageRun, options: Options) -> float:
    bill = Bill(options.price, tariff=lane.plan.tariff)
    for charge in list(lane.asker.charges):
        bill.add(charge)
    return bill.usd
