"""Runs the lanes side by side to their end."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from framefleet.config import Fleet, Options
from framefleet.errors import FleetError, FrameFleetError, told
from framefleet.fleet.backend import Backend
from framefleet.fleet.charge import Charge
from framefleet.fleet.connecting import connections_allowed, open_files_limit
from framefleet.fleet.dispatch import Outcome
from framefleet.fleet.exchange import Failure
from framefleet.fleet.meter import Meter
from framefleet.fleet.retry import AGAIN, RetryPolicy, retrying
from framefleet.journal.store import Journal
from framefleet.logs import logger
from framefleet.media.info import ClipTime, MediaInfo
from framefleet.media.malloc import give_back_freed_memory
from framefleet.media.sound_gap import BRIEF_S, joined
from framefleet.pipeline.consumers import WatchConsumer
from framefleet.pipeline.derive import ClientRun, derive
from framefleet.pipeline.feed import feed
from framefleet.pipeline.interrupt import note_cost
from framefleet.pipeline.lane import Lane
from framefleet.pipeline.open import LaneOpener, open_backends
from framefleet.pipeline.plan import RunPlan, StagePlan, WatchPlan
from framefleet.progress import Listener, Notice, StageDone
from framefleet.units import Seconds

log = logger(__name__)

REACH_S = 15.0  # a service that is away from the start may be misspelt, so a person hears of it soon


@dataclass(frozen=True, slots=True)
class StageRun:
    """What came of one stage of the fleet. `result` is its own merged result.

    `result` is None where it could not be made. `asked` metered its requests, `in_hand` what was put to be asked until
    it was done, and `sifting` the looking at it here before. `others` is what other runs on the video were charged.
    """

    plan: StagePlan
    outcome: Outcome
    result: Any
    asked: Meter
    in_hand: Meter
    sifting: Meter
    others: Sequence[Charge] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, before it becomes a document. `decode` has a meter for pictures and for sound."""

    media: MediaInfo
    options: Options
    names: tuple[str, ...]
    stages: dict[str, StageRun]
    client: dict[str, ClientRun]
    decode: dict[str, Meter]
    started_at: datetime
    wall_s: Seconds


def run(
    media: MediaInfo,
    sha256: str,
    plan: RunPlan,
    options: Options,
    fleet: Fleet,
    journal_path: Path,
    listener: Listener,
) -> Run:
    """Runs a plan to its end. Raises the error that made all of it impossible, or `Interrupted`.

    What was spent until then is a note on that error (PEP 678).
    """
    started_at, began = datetime.now(UTC), perf_counter()
    give_back_freed_memory()
    backends = open_backends(plan.fleet, options, fleet)
    lanes: list[Lane] = []
    try:
        for stage in plan.fleet:
            check_reachable(backends[stage.backend], stage.stage.endpoint, options, listener)
        if any(stage.backend == "runpod" for stage in plan.fleet):
            _tell_of_few_connections(options, listener)
        with closing(Journal(journal_path)) as journal:
            opener = LaneOpener(media, sha256, options, fleet, backends, journal, listener)
            lanes += [opener.open(stage) for stage in plan.fleet]
            keyframes_s: list[Seconds] = []
            watchers = [_watcher(watch, media, options, keyframes_s, listener) for watch in plan.watching]
            decode = feed(lanes, watchers, opener, media, options, keyframes_s, listener)
            stages = {lane.plan.stage.name: _finish(lane, media, options) for lane in lanes}
        client = {watcher.name: _watched(watcher) for watcher in watchers}
        _raise_if_nothing_came(stages, client)
    except FrameFleetError as error:
        note_cost(error, lanes, options)
        raise
    finally:
        for backend in backends.values():
            backend.close()
    client |= derive(plan.deriving, media, options, _results(stages, client), listener)
    return Run(media, options, plan.names, stages, client, decode, started_at, perf_counter() - began)


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


def _tell_of_few_connections(options: Options, listener: Listener) -> None:
    """Where files are few, some of what is asked at once waits for others."""
    allowed = connections_allowed()
    if options.max_workers != "auto" and options.max_workers > allowed:
        files = f"this process may open {open_files_limit()} files (ulimit -n)"
        listener(
            Notice(f"{files}, so of {options.max_workers} requests at once, {allowed} have a connection at a time")
        )


def _watcher(
    plan: WatchPlan, media: MediaInfo, options: Options, keyframes_s: Sequence[Seconds], listener: Listener
) -> WatchConsumer:
    return WatchConsumer(plan.stage.name, plan.order, plan.stage.watch(media, options, keyframes_s), listener)


def _watched(watcher: WatchConsumer) -> ClientRun:
    result = watcher.result()  # first: it may fail yet
    return ClientRun(result, watcher.meter, watcher.error, [] if watcher.error else watcher.missed.stretches)


def _finish(lane: Lane, media: MediaInfo, options: Options) -> StageRun:
    outcome = lane.dispatcher.finish()
    outcome.held_s = lane.asker.held_s
    lane.asker.settle()
    if lane.asker.failed and outcome.fatal is None and outcome.answers:
        lane.listener(Notice(f"{lane.plan.stage.name}: {_in_vain(lane.asker.failed)}"))
    result = _merged(lane, outcome, media, options)
    outcome.failures.extend([*lane.lost, *unheard(outcome, lane.plan.stage.name, lane.listener)])
    lane.listener(StageDone(lane.plan.stage.name))
    models = {answer.reply.model_id: answer.reply.model for answer in outcome.answers if answer.reply.model}
    if len(models) > 1:  # the endpoint was given another one since the journal's answers, or is being given one
        named = ", ".join(f"{name} ({id[:8]}…)" for id, name in sorted(models.items()))
        lane.listener(
            Notice(f"{lane.plan.stage.name}: answered by different models: {named}; --fresh asks for all anew")
        )
    return StageRun(
        plan=lane.plan,
        outcome=outcome,
        result=result,
        asked=lane.asker.meter,
        in_hand=lane.dispatcher.in_hand,
        sifting=lane.sifting,
        others=lane.ledger.others() if lane.ledger is not None else [],
    )


def _in_vain(failed: Counter[str]) -> str:
    """How many requests were paid for in vain, and the reason that most of them had."""
    (words, most), count = failed.most_common(1)[0], failed.total()
    requests = "a request" if count == 1 else f"{count} requests"
    others = f" ({most} of them)" if most < count else ""
    return f"{requests} failed and cost all the same, and what could be was asked again; {words}{others}"


def unheard(outcome: Outcome, name: str, listener: Listener) -> list[Failure]:
    """What was silent in clips that were answered, in this run or before, because it could not be decoded.

    A gap in which no word is lost is told, and no failure.
    """
    facts = [fact for answer in outcome.answers for fact in answer.facts if isinstance(fact, ClipTime)]
    gaps = joined(gap for fact in facts for gap in fact.gaps)
    brief = [gap for gap in gaps if gap.span.length_s <= BRIEF_S]
    if brief:
        times = "" if len(brief) == 1 else f"{len(brief)} times, first "
        lost = f"no more than {BRIEF_S:g} s of sound lost {times}at {brief[0].span.start_s:.2f} s ({brief[0].error})"
        listener(Notice(f"{name}: {lost}"))
    return [Failure((ClipTime(-1, gap.span),), gap.error, attempts=0) for gap in gaps if gap not in brief]


def _merged(lane: Lane, outcome: Outcome, media: MediaInfo, options: Options) -> Any:
    """The stage's result; None where making it failed: the answers are in the journal, and the others' unharmed."""
    unanswered = [fact for failure in outcome.failures for fact in failure.facts]
    try:
        return lane.plan.stage.merge(media, options, outcome.answers, unanswered)
    except Exception as error:  # a fault of one analysis must not lose the others
        log.warning("%s: its answers make no result", lane.plan.stage.name, exc_info=error)
        outcome.failures.append(Failure((), told(error), attempts=0))
        lane.listener(Notice(f"{lane.plan.stage.name}: {told(error)}"))
        return None


def _results(stages: Mapping[str, StageRun], client: Mapping[str, ClientRun]) -> dict[str, Any]:
    """By name, of the stages that came to something."""
    done = {name: stage.result for name, stage in stages.items() if stage.outcome.answers or not stage.plan.items}
    done |= {name: stage.result for name, stage in client.items()}
    return {name: result for name, result in done.items() if result is not None}


def _raise_if_nothing_came(stages: Mapping[str, StageRun], client: Mapping[str, ClientRun]) -> None:
    """Nothing could be done at all: say why instead of writing a document of nulls."""
    asked = [stage for stage in stages.values() if stage.plan.items]
    if any(stage.outcome.answers for stage in asked) or any(stage.error is None for stage in client.values()):
        return
    for stage in asked:
        if stage.outcome.fatal is not None:
            raise stage.outcome.fatal
    failed = [failure.error for stage in asked for failure in stage.outcome.failures]
    failed += [stage.error for stage in client.values() if stage.error is not None]
    if failed:
        raise FrameFleetError(f"nothing could be done: {failed[0]}")
