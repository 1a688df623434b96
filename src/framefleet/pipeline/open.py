"""Opening what a run needs: backends, and for every stage a lane with what the journal already knows taken off it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from math import inf
from time import perf_counter, time
from typing import Any

from framefleet.config import Fleet, Options
from framefleet.errors import FrameFleetError
from framefleet.fleet.asking import Asker
from framefleet.fleet.backend import Backend
from framefleet.fleet.breaker import Breaker
from framefleet.fleet.budget import Budget
from framefleet.fleet.diagnose import Diagnoser
from framefleet.fleet.dispatch import Dispatcher
from framefleet.fleet.hedge import Hedge
from framefleet.fleet.keep import Keeper
from framefleet.fleet.ledger import Ledger
from framefleet.fleet.limits import Level
from framefleet.fleet.local import LocalBackend
from framefleet.fleet.openai import OpenAiBackend
from framefleet.fleet.retry import RetryPolicy
from framefleet.fleet.runpod import RunPodBackend
from framefleet.fleet.survey import may_be_asked
from framefleet.fleet.watch import Watch
from framefleet.journal.store import Journal, Orphan
from framefleet.logs import logger
from framefleet.media.info import MediaInfo
from framefleet.pipeline.known import piece_keys
from framefleet.pipeline.lane import Lane
from framefleet.pipeline.plan import StagePlan
from framefleet.progress import Listener, Notice, StageStarted
from framefleet.stages.base import Answer

log = logger(__name__)

WATCH_S = 0.1  # how often a thread that waits for others looks up
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
        backends["runpod"] = RunPodBackend(fleet, patience_s=options.patience_s, runsync=options.runsync)
    for plan in plans:
        if plan.backend == "api":
            rpm = options.whisper_rpm or inf
            backends["api"] = OpenAiBackend(plan.endpoint_id, fleet.whisper_api_key, rpm=rpm, workers=plan.workers)
    return backends


class LaneOpener:
    """Opens the lanes of one run: what they share is given once."""

    def __init__(
        self,
        media: MediaInfo,
        sha256: str,
        options: Options,
        fleet: Fleet,
        backends: Mapping[str, Backend],
        journal: Journal,
        listener: Listener,
    ) -> None:
        self._media = media
        self._sha256 = sha256
        self._options = options
        self._fleet = fleet
        self._backends = backends
        self._journal = journal
        self._listener = listener
        self._budget = Budget(options.max_cost, options.price)
        self._began = perf_counter()
        self._began_at = time()
        self._here = Level(1, 1)  # of all stages on this machine together: its models share its cores

    def open(self, plan: StagePlan) -> Lane:
        """The plan's lane, ready to be fed with what nobody has answered yet."""
        keys = piece_keys(plan, self._sha256, self._media, self._options)
        if self._options.fresh:
            self._journal.forget(list(keys.values()))
        endpoint = f"{plan.stage.endpoint} {plan.endpoint_id}"
        lane = self._lane(plan, endpoint, keys)
        self._take_off(lane, lane.keeper.known())
        return lane

    def resume(self, lane: Lane) -> None:
        """Asks for what an earlier run submitted and never saw answered, before anything is sent anew."""
        self._take_off(lane, self._adopted(lane))
        log.info("%s: %d requests to %s", lane.plan.stage.name, len(lane.items), lane.plan.backend)
        plan, left = lane.plan, sum(item.units for item in lane.items)
        self._listener(
            StageStarted(plan.stage.name, plan.backend, len(lane.items), left, plan.stage.unit, known=plan.units - left)
        )

    def _take_off(self, lane: Lane, answers: Sequence[Answer[Any]]) -> None:
        """What is answered need not be asked."""
        lane.dispatcher.known(answers)
        answered = {fact.index for answer in answers for fact in answer.facts}
        lane.items = lane.plan.stage.without(lane.items, answered, self._options)

    def _lane(self, plan: StagePlan, endpoint: str, keys: dict[int, str]) -> Lane:
        options, remote, stage = self._options, plan.backend == "runpod", plan.stage.about(self._media, self._options)
        if remote:
            self._budget.expect(plan.stage.endpoint, plan.tariff)
        level = self._level(plan)
        ledger = Ledger(self._journal, self._sha256, plan.stage.name, endpoint, self._began_at) if remote else None
        asker = Asker(
            self._backends[plan.backend],
            plan.stage.endpoint,
            began=self._began,
            level=level,
            budget=self._budget if remote else None,
            hedge=Hedge() if options.hedge and remote else None,
            ledger=ledger,
            breaker=Breaker(plan.stage.name) if remote else None,
        )
        keeper = Keeper(stage, endpoint, keys, self._journal, self._listener, attend=asker.attend, sleep=asker.sleep)
        dispatcher = Dispatcher(
            stage,
            lambda payload: stage.pack(payload, self._media, options, plan.backend),
            asker,
            keeper,
            workers=plan.workers,
            listener=self._listener,
            policy=RetryPolicy(options.max_attempts, options.patience_s, refused_s=inf if remote else None),
        )
        watch = self._watch(plan, level, dispatcher, asker) if remote else None
        sieve = plan.stage.sieve(options, plan.backend)
        return Lane(plan, plan.items, dispatcher, asker, keeper, self._listener, watch, sieve, ledger)

    def _level(self, plan: StagePlan) -> Level:
        automatic = self._options.max_workers == "auto" and plan.backend == "runpod"
        if plan.backend == "local":
            return self._here
        name = plan.stage.name
        return Level(None, AUTO_START, name) if automatic else Level(plan.workers, plan.workers, name)

    def _watch(self, plan: StagePlan, level: Level, dispatcher: Dispatcher, asker: Asker) -> Watch:
        backend = self._backends[plan.backend]
        watch = Watch(
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
            diagnose=Diagnoser(self._fleet, plan.stage.endpoint) if may_be_asked(self._fleet) else None,
        )
        asker.on_answer(watch.moved)
        return watch

    def _adopted(self, lane: Lane) -> list[Answer[Any]]:
        """Answers of jobs that an earlier run submitted. Looks up every `WATCH_S`, so that Ctrl-C is heard."""
        orphans = lane.keeper.adopt()
        if not orphans:
            return []
        log.info("%s: jobs of an earlier run: %s", lane.plan.stage.name, ", ".join(o.job_id for o in orphans))
        what = "an answer" if len(orphans) == 1 else f"{len(orphans)} answers"
        self._listener(Notice(f"{lane.plan.stage.name}: asking for {what} that an earlier run waited for"))
        pool = ThreadPoolExecutor(min(len(orphans), lane.plan.workers))
        try:
            asked = [pool.submit(_attended, lane.keeper, orphan) for orphan in orphans]
            while wait(asked, WATCH_S).not_done:
                pass
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [answer for answers in asked for answer in answers.result()]


def _attended(keeper: Keeper, orphan: Orphan) -> list[Answer[Any]]:
    """What the orphan's job answered; where nobody can tell now, it is asked after again when its pieces come up."""
    try:
        return keeper.attended(orphan)
    except FrameFleetError as error:
        log.info("job %s of an earlier run: nobody can tell now: %s", orphan.job_id, error, exc_info=error)
        return []
