"""Opening what a run needs: backends, and for every stage a lane with what the journal already knows taken off it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

from framefleet.config import Fleet, Options
from framefleet.errors import FleetError
from framefleet.fleet.asking import Asker
from framefleet.fleet.backend import Backend
from framefleet.fleet.budget import Budget
from framefleet.fleet.dispatch import Dispatcher
from framefleet.fleet.hedge import Hedge
from framefleet.fleet.keep import Keeper
from framefleet.fleet.limits import Level
from framefleet.fleet.local import LocalBackend
from framefleet.fleet.prices import rate
from framefleet.fleet.retry import RetryPolicy
from framefleet.fleet.runpod import RunPodBackend
from framefleet.fleet.watch import Watch
from framefleet.journal.keys import piece_key
from framefleet.journal.store import Journal
from framefleet.media.info import MediaInfo
from framefleet.pipeline.lane import Lane
from framefleet.pipeline.plan import StagePlan
from framefleet.progress import Listener, StageStarted
from framefleet.stages.base import Answer

AUTO_START = 8  # requests at once to begin with, where nobody gave a ceiling


def open_backends(plans: Sequence[StagePlan], options: Options, fleet: Fleet) -> Mapping[str, Backend]:
    """The backends that the plans name. Raises `AuthError` when one needs a key and there is none."""
    local = {
        plan.stage.endpoint: (lambda stage=plan.stage: stage.open_handler(options))
        for plan in plans
        if plan.backend == "local"
    }
    backends: dict[str, Backend] = {"local": LocalBackend(local)}
    if any(plan.backend == "runpod" for plan in plans):
        backends["runpod"] = RunPodBackend(fleet, patience_s=options.patience_s)
    return backends


class LaneOpener:
    """Opens the lanes of one run: what they share is given once."""

    def __init__(
        self,
        media: MediaInfo,
        sha256: str,
        options: Options,
        backends: Mapping[str, Backend],
        journal: Journal,
        listener: Listener,
    ) -> None:
        self._media = media
        self._sha256 = sha256
        self._options = options
        self._backends = backends
        self._journal = journal
        self._listener = listener
        self._budget = Budget(options.max_cost)
        self._began = perf_counter()

    def open(self, plan: StagePlan) -> Lane:
        """The plan's lane, ready to be fed with what nobody has answered yet."""
        keys = self._keys(plan)
        if self._options.fresh:
            self._journal.forget(list(keys.values()))
        endpoint = f"{plan.stage.endpoint} {plan.endpoint_id}"
        keeper = Keeper(plan.stage, endpoint, keys, self._journal, self._listener)
        lane = self._lane(plan, keeper)
        known = [*keeper.known(), *self._adopted(plan, keeper, lane.asker)]
        lane.dispatcher.known(known)
        answered = {fact.index for answer in known for fact in answer.facts}
        lane.items = plan.stage.without(plan.items, answered, self._options)
        left = sum(item.units for item in lane.items)
        self._listener(
            StageStarted(plan.stage.name, plan.backend, len(lane.items), left, plan.stage.unit, known=plan.units - left)
        )
        return lane

    def _keys(self, plan: StagePlan) -> dict[int, str]:
        identity = plan.stage.identity(self._options, plan.backend)
        return {
            index: piece_key(self._sha256, f"{plan.backend} {plan.endpoint_id}", f"{plan.stage.name} {name}", identity)
            for item in plan.items
            for index, name in plan.stage.names(item).items()
        }

    def _lane(self, plan: StagePlan, keeper: Keeper) -> Lane:
        options, remote = self._options, plan.backend == "runpod"
        level = self._level(plan)
        asker = Asker(
            self._backends[plan.backend],
            plan.stage.endpoint,
            began=self._began,
            level=level,
            budget=self._budget,
            usd_per_s=rate(None, options.price)[0] if remote else 0.0,
            hedge=Hedge() if options.hedge and remote else None,
        )
        dispatcher = Dispatcher(
            plan.stage,
            lambda payload: plan.stage.pack(payload, self._media, options, plan.backend),
            asker,
            keeper,
            workers=plan.workers,
            listener=self._listener,
            policy=RetryPolicy(options.max_attempts, options.patience_s),
        )
        watch = self._watch(plan, level, dispatcher, asker) if remote else None
        return Lane(plan, plan.items, dispatcher, asker, self._listener, watch)

    def _level(self, plan: StagePlan) -> Level:
        automatic = self._options.max_workers == "auto" and plan.backend == "runpod"
        return Level(None, AUTO_START) if automatic else Level(plan.workers, plan.workers)

    def _watch(self, plan: StagePlan, level: Level, dispatcher: Dispatcher, asker: Asker) -> Watch:
        watch = Watch(
            plan.stage.name,
            self._backends[plan.backend],
            plan.stage.endpoint,
            level,
            self._listener,
            dispatcher.end,
            busy=lambda: asker.in_flight > 0,
            patience_s=self._options.patience_s,
        )
        asker.on_answer(watch.moved)
        return watch

    def _adopted(self, plan: StagePlan, keeper: Keeper, asker: Asker) -> list[Answer[Any]]:
        """What an earlier run submitted and never saw answered: asked for by job id before anything is sent anew."""
        orphans = keeper.adopt()
        if not orphans:
            return []

        def attended(orphan: Any) -> list[Answer[Any]]:
            backend = self._backends[plan.backend]
            try:
                output = asker.attend(backend.attach(plan.stage.endpoint, orphan.job_id))
                reply = plan.stage.parse(keeper.orphan_facts(orphan), output)
            except FleetError:
                keeper.release(orphan.id)  # gone or failed: its pieces are asked anew
                return []
            return keeper.adopted(orphan, reply)

        with ThreadPoolExecutor(min(len(orphans), plan.workers)) as pool:
            return [answer for answers in pool.map(attended, orphans) for answer in answers]
