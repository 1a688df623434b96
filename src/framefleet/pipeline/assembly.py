"""The assembly of a run: for every stage a `StageRun`, without the items that the journal has answers to."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from math import inf
from time import perf_counter, time
from typing import Any

import msgspec

from framefleet.cancel import CancelScope
from framefleet.config.options import Options
from framefleet.errors import FleetError, FrameFleetError
from framefleet.fleet.backends.base import Backend
from framefleet.fleet.backends.runpod.diagnosis import Diagnoser
from framefleet.fleet.backends.runpod.survey import may_be_asked
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.billing.usage_log import UsageLog
from framefleet.fleet.execution.breaker import Breaker
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.dispatcher import WATCH_S, Dispatcher
from framefleet.fleet.execution.hedging import Hedge
from framefleet.fleet.execution.retry import RetryPolicy
from framefleet.fleet.execution.stall import StallMonitor
from framefleet.journal.store import Journal, Orphan
from framefleet.logs import logger
from framefleet.media.types import MediaInfo
from framefleet.pipeline.plan import StagePlan
from framefleet.pipeline.resources import Resources
from framefleet.pipeline.resume import asked_of, piece_keys
from framefleet.pipeline.stage_run import StageRun
from framefleet.progress import Listener, Notice, StageStarted
from framefleet.protocol.envelope import ProbeReply, read_reply
from framefleet.stages.base import Answer, UsesFeatures

log = logger(__name__)


class StageAssembly:
    """The factory of one run's `StageRun`s, with what they share."""

    def __init__(
        self,
        media: MediaInfo,
        sha256: str,
        options: Options,
        resources: Resources,
        budget: Budget,
        backends: Mapping[str, Backend],
        journal: Journal,
        listener: Listener,
        scope: CancelScope,
    ) -> None:
        """Create the factory. `scope` is the run's: each stage gets a child of it."""
        self._media = media
        self._sha256 = sha256
        self._options = options
        self._resources = resources
        self._scope = scope
        self._backends = backends
        self._journal = journal
        self._listener = listener
        self._budget = budget
        self._began = perf_counter()
        self._began_at = time()

    @property
    def cores(self) -> int:
        """How many cores the run may decode on: those of the process, divided among the runs at work."""
        return max(1, self._resources.cores // self._resources.at_work)

    def open(self, plan: StagePlan) -> StageRun:
        """Return the plan's `StageRun`, ready to be fed with the items that have no answer yet."""
        lane = self._opened(plan)
        unsupported = self._unsupported(lane) if lane.items and isinstance(plan.stage, UsesFeatures) else []
        if not unsupported:
            return lane
        # the journal's keys must not contain what was not requested of the worker
        supported = replace(plan, options=msgspec.structs.replace(plan.options, **dict.fromkeys(unsupported)))
        return self._opened(supported, lane.asker)

    def _opened(self, plan: StagePlan, asker: EndpointClient | None = None) -> StageRun:
        keys = piece_keys(plan, self._sha256, self._media)
        if plan.spec.private:
            self._journal.keep_private()
        if self._options.fresh:
            self._journal.forget(list(keys.values()))
        asked = msgspec.json.encode(asked_of(plan, self._media), order="sorted")
        self._journal.asked(self._sha256, plan.stage.name, asked, list(keys.values()))
        endpoint = f"{plan.stage.endpoint} {plan.endpoint_id}"
        lane = self._lane(plan, endpoint, keys, asker)
        self._take_off(lane, lane.keeper.known())
        return lane

    def _unsupported(self, lane: StageRun) -> list[str]:
        """Return the options that the endpoint's workers ignore, and report them."""
        plan, stage = lane.plan, lane.plan.stage
        used = stage.features(plan.options) if isinstance(stage, UsesFeatures) else frozenset()
        if not used or not plan.capabilities.remote:
            return []
        unsupported = sorted(used - self._resources.features(plan, lambda: self._features(lane)))
        for option in unsupported:
            flag = f"--{option.replace('_', '-')}"
            own = plan.capabilities.probed
            who, remedy = ("the worker", "; update its image") if own else ("the service", "")
            self._listener(Notice(f"{stage.name}: {who} does not support {flag}{remedy}"))
        return unsupported

    def _features(self, lane: StageRun) -> frozenset[str] | None:
        """Ask a worker which optional features it has; None if it does not answer."""
        if not lane.plan.capabilities.probed:
            return frozenset()
        try:
            output = lane.asker.probe(self._options.cold_start_s + self._options.patience_s)
            return frozenset(read_reply(output, ProbeReply).features)
        except FleetError as error:
            self._scope.check()
            log.warning("%s: the worker does not say what it supports", lane.plan.stage.name, exc_info=error)
            return None

    def resume(self, lane: StageRun) -> None:
        """Pick up the jobs that an earlier run submitted and got no answer to, before anything is sent again."""
        self._take_off(lane, self._adopted(lane))
        log.info("%s: %d requests for %s", lane.plan.stage.name, len(lane.items), lane.plan.backend)
        plan, left = lane.plan, sum(item.units for item in lane.items)
        self._listener(
            StageStarted(plan.stage.name, plan.backend, len(lane.items), left, plan.stage.unit, known=plan.units - left)
        )

    def _take_off(self, lane: StageRun, answers: Sequence[Answer[Any]]) -> None:
        """Remove the answered items from those to send."""
        lane.dispatcher.known(answers)
        answered = {fact.index for answer in answers for fact in answer.facts}
        lane.items = lane.plan.stage.remaining(lane.items, answered, lane.plan.options)

    def _lane(
        self, plan: StagePlan, endpoint: str, keys: dict[int, str], asker: EndpointClient | None = None
    ) -> StageRun:
        options, can, stage = plan.options, plan.capabilities, plan.stage.about(self._media, plan.options)
        if can.billed:
            self._budget.expect(plan.stage.endpoint, plan.tariff)
        level, scope = self._resources.level(plan, options), asker.scope if asker else self._scope.child()
        ledger = (
            UsageLog(self._journal, self._sha256, plan.stage.name, endpoint, self._began_at) if can.durable else None
        )
        asker = asker or EndpointClient(
            self._backends[plan.backend],
            plan.stage.endpoint,
            began=self._began,
            level=level,
            budget=self._budget if can.billed else None,
            hedge=Hedge() if options.hedge and can.billed else None,
            ledger=ledger,
            breaker=Breaker(plan.stage.name, scope=scope) if can.billed else None,
            scope=scope,
        )
        keeper = WorkClaims(
            stage, endpoint, keys, self._journal, self._listener, attend=asker.attend, sleep=scope.sleep
        )
        dispatcher = Dispatcher(
            stage,
            lambda payload: stage.pack(payload, self._media, options, can),
            asker,
            keeper,
            workers=plan.workers,
            listener=self._listener,
            policy=RetryPolicy(options.max_attempts, options.patience_s, refused_s=inf if can.probed else None),
        )
        watch = self._watch(plan, level, dispatcher, asker) if can.probed else None
        prefilter = plan.stage.prefilter(options, can)
        return StageRun(plan, plan.items, dispatcher, asker, keeper, self._listener, scope, watch, prefilter, ledger)

    def _watch(
        self, plan: StagePlan, level: AdaptiveConcurrency, dispatcher: Dispatcher, asker: EndpointClient
    ) -> StallMonitor:
        backend, fleet = self._backends[plan.backend], self._resources.fleet
        watch = StallMonitor(
            plan.stage.name,
            backend,
            plan.stage.endpoint,
            level,
            self._listener,
            dispatcher.end,
            busy=lambda: asker.busy,
            patience_s=self._options.patience_s,
            cold_start_s=self._options.cold_start_s,
            trouble=lambda: backend.trouble(plan.stage.endpoint, asker.in_flight > 0),
            diagnose=Diagnoser(fleet, plan.stage.endpoint) if may_be_asked(fleet) else None,
            shared=self._resources.watch(plan, backend, level),
        )
        asker.on_answer(watch.moved)
        return watch

    def _adopted(self, lane: StageRun) -> list[Answer[Any]]:
        """Return the answers of jobs that an earlier run submitted. Checks for cancellation every `WATCH_S`."""
        orphans = lane.keeper.adopt()
        if not orphans:
            return []
        log.info("%s: jobs of an earlier run: %s", lane.plan.stage.name, ", ".join(o.job_id for o in orphans))
        what = "1 job" if len(orphans) == 1 else f"{len(orphans)} jobs"
        self._listener(Notice(f"{lane.plan.stage.name}: picking up {what} of an earlier run"))
        pool = ThreadPoolExecutor(min(len(orphans), lane.plan.workers))
        asked = [pool.submit(_attended, lane.keeper, orphan) for orphan in orphans]
        try:
            while wait(asked, WATCH_S).not_done:
                self._scope.check()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for answers, orphan in zip(asked, orphans, strict=True):
                if answers.cancelled():
                    lane.keeper.leave(orphan.id)
        return [answer for answers in asked for answer in answers.result()]


def _attended(keeper: WorkClaims, orphan: Orphan) -> list[Answer[Any]]:
    """Return the answers of the orphan's job; [] if they are not available now: it is looked up again later."""
    try:
        return keeper.attended(orphan)
    except FrameFleetError as error:
        log.info("job %s of an earlier run: no answer available now: %s", orphan.job_id, error, exc_info=error)
        return []
