"""Why no job is taken, by the list of an endpoint's workers: jobs stay "in queue" for many reasons."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import IntEnum

from framefleet.config.endpoints import Fleet
from framefleet.errors import AuthError, FleetError
from framefleet.fleet.backends.runpod.management_api import Endpoint, ManageApi, Worker
from framefleet.fleet.backends.runpod.survey import READ_TIMEOUT_S
from framefleet.logs import logger

log = logger(__name__)


class WorkerState(IntEnum):
    """The state that keeps a worker from taking jobs, the worst first."""

    CRASHES = 0
    PULLS = 1
    LOADS = 2
    NO_ROOM = 3
    READY = 4


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A sentence with its remedy, and the worker whose log has more, if there is one."""

    sentence: str
    worker: str | None = None


def state_of(worker: Worker, earlier: Mapping[str, str | None]) -> WorkerState:
    """Return what a worker does. `earlier` is when each had started at an earlier call: a restart means a crash.

    Statuses are RunPod's: UNHEALTHY fails its health checks, THROTTLED waits for capacity, INITIALIZING is not ready
    yet. The last means that it has no place (no GPU type), no container (not started) or no model yet.
    """
    before = earlier.get(worker.id)
    if worker.status == "UNHEALTHY" or (before is not None and worker.startedAt not in {None, before}):
        return WorkerState.CRASHES
    if worker.status == "THROTTLED":
        return WorkerState.NO_ROOM
    if worker.status == "INITIALIZING":
        if worker.startedAt is not None or worker.uptimeSeconds:
            return WorkerState.LOADS
        return WorkerState.PULLS if worker.gpuTypeId is not None else WorkerState.NO_ROOM
    return WorkerState.READY


def diagnosis(
    workers: Sequence[Worker], endpoint: Endpoint | None = None, earlier: Mapping[str, str | None] = {}
) -> Diagnosis | None:
    """Return why no job is taken; None if some worker is ready or running, so that the cause is another."""
    pools = ", ".join(endpoint.gpu.pools) if endpoint is not None and endpoint.gpu is not None else ""
    where = f" in {pools}" if pools else ""
    if not workers:
        if endpoint is not None and endpoint.workers.max == 0:
            return Diagnosis(
                "its max workers are 0, so none can start; run with --wake, or raise them with framefleet deploy"
            )
        return Diagnosis(f"RunPod has started no worker yet: none is free{where}; allow other GPUs with --gpu-pools")
    by_state: dict[WorkerState, list[Worker]] = {}
    for worker in workers:
        by_state.setdefault(state_of(worker, earlier), []).append(worker)
    if any(not worker.isStale for worker in by_state.get(WorkerState.READY, ())):
        return None
    if WorkerState.READY in by_state:
        return Diagnosis("a new release of the endpoint is rolling out, and so far only workers of the old one exist")
    worst = min(by_state)
    others = [f"{_counted(len(found))} {_SAID[state]}" for state, found in by_state.items() if state is not worst]
    here = by_state[worst]
    also = f" ({', '.join(others)})" if others else ""
    sentence = (
        f"{_counted(len(here))} {_SAID[worst]}{where if worst is WorkerState.NO_ROOM else ''}{also}{_REMEDY[worst]}"
    )
    return Diagnosis(sentence, None if worst is WorkerState.NO_ROOM else here[0].id)


_SAID = {
    WorkerState.CRASHES: "in a crash loop",
    WorkerState.PULLS: "fetching the image",
    WorkerState.LOADS: "started, loading the model",
    WorkerState.NO_ROOM: "waiting for a free GPU",
}
_REMEDY = {
    WorkerState.CRASHES: "; each start is billed: stop it with framefleet down, then fix the image",
    WorkerState.PULLS: "; the first time takes minutes",
    WorkerState.LOADS: "",
    WorkerState.NO_ROOM: "; RunPod has none free: allow others with framefleet deploy --gpu-pools",
}
# What a host logs when an image cannot be pulled at all.
_NO_IMAGE = re.compile(
    r"manifest unknown|not found|denied|unauthorized|failed to pull|no such image|toomanyrequests", re.I
)


def with_log(found: Diagnosis, line: str | None, *, pulls: bool) -> str:
    """Return the sentence with the last line of the worker's log."""
    if not line:
        return found.sentence
    cannot = "the image cannot be fetched: check its name and that RunPod may read it; " if pulls else ""
    cannot = cannot if _NO_IMAGE.search(line) else ""
    return f'{cannot}{found.sentence}; the last line of worker {found.worker}\'s log: "{line}"'


class Diagnoser:
    """The diagnosis of one endpoint, called when it stalls; None if the key lacks permission or no cause is known."""

    def __init__(self, fleet: Fleet, kind: str) -> None:
        self._fleet = fleet
        self._id = fleet.endpoints[kind]
        self._started: dict[str, str | None] = {}
        self._refused = False

    def __call__(self) -> str | None:
        if self._refused:
            return None
        try:
            with closing(ManageApi(self._fleet, read_timeout_s=READ_TIMEOUT_S)) as api:
                return self._said(api)
        except AuthError as error:
            log.info("endpoint %s: no diagnosis from now on", self._id, exc_info=error)
            self._refused = True
        except FleetError as error:  # the next call may succeed
            log.info("endpoint %s: no diagnosis", self._id, exc_info=error)
        return None

    def _said(self, api: ManageApi) -> str | None:
        workers, endpoint = api.workers(self._id), api.get(self._id)
        found = diagnosis(workers, endpoint, self._started)
        self._started |= {worker.id: worker.startedAt for worker in workers if worker.startedAt is not None}
        if found is None or found.worker is None:
            return found.sentence if found is not None else None
        try:
            line = api.last_log_line(self._id, found.worker)
        except FleetError as error:
            log.info("worker %s: no log", found.worker, exc_info=error)
            line = None
        pulls = any(worker.id == found.worker and worker.startedAt is None for worker in workers)
        return with_log(found, line, pulls=pulls)


def _counted(number: int) -> str:
    return f"{number} worker{'s' * (number != 1)}"
