"""The resources that the analyses of a session share: open backends, models, concurrency, journals and one budget."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.fleet.backends.base import Backend
from framefleet.fleet.backends.registry import OpenedEndpoint, backend_named
from framefleet.fleet.billing.budget import Budget, SharedBudget
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.stall import EndpointWatch
from framefleet.journal.store import Journal
from framefleet.journal.travelling import TravellingJournal
from framefleet.pipeline.plan import StagePlan, most_workers
from framefleet.stages.base import Handler
from framefleet.worker.serving import RequestHandler, ask_here

Thing = TypeVar("Thing")

AUTO_START = 8  # initial number of requests in flight, if the user sets no ceiling


class Resources:
    """Shared resources, safe for several analyses at once. They are opened when needed and stay open until `close`.

    `max_cost` is the budget of all analyses together, and `cores` is how many they decode on (None: all).
    """

    def __init__(self, fleet: Fleet, max_cost: float | None = None, cores: int | None = None) -> None:
        self.fleet = fleet
        self.cores = cores or os.cpu_count() or 1
        self.budget = SharedBudget(max_cost)
        self.at_work = 0  # analyses at the same time
        self._lock = threading.RLock()
        self._backends: dict[Hashable, Backend] = {}
        self._levels: dict[Hashable, AdaptiveConcurrency] = {}
        self._watches: dict[Hashable, EndpointWatch] = {}
        self._features: dict[Hashable, frozenset[str]] = {}
        self._probing = threading.Lock()  # not the lock of all, since a worker may take minutes to start
        self._here = AdaptiveConcurrency(1, 1)  # of all stages on this machine together: their models share its cores
        self._models: dict[Hashable, Handler] = {}
        self._turn = threading.Lock()  # held while a model loads or runs, also one whose answer is no longer needed
        self._journals: dict[Path, tuple[Journal, tuple[int, int]]] = {}

    @contextmanager
    def backends(self, plans: Sequence[StagePlan], options: Options) -> Iterator[Mapping[str, Backend]]:
        """Open the plans' backends for one analysis, by name. Raises `AuthError` if one lacks its key."""
        wanted: dict[str, dict[str, OpenedEndpoint]] = defaultdict(dict)
        for plan in plans:
            endpoint = OpenedEndpoint(plan.endpoint_id, most_workers(options), partial(self._handler, plan))
            wanted[plan.backend][plan.stage.endpoint] = endpoint
        opened: dict[str, Backend] = {}
        own: list[Backend] = []
        with self._lock:
            self.at_work += 1
        try:
            for name, endpoints in wanted.items():
                kind = backend_named(name)
                if kind.capabilities.remote:
                    key = (name, kind.key(endpoints, options))
                    opened[name] = self._once(self._backends, key, partial(kind.open, endpoints, options, self.fleet))
                else:  # only its models are worth sharing, and they are
                    opened[name] = kind.open(endpoints, options, self.fleet)
                    own.append(opened[name])
            yield opened
        finally:
            with self._lock:
                self.at_work -= 1
            for backend in own:
                backend.close()

    def level(self, plan: StagePlan, options: Options) -> AdaptiveConcurrency:
        """Return the concurrency of the plan's endpoint, which all analyses with the same ceiling share."""
        if not plan.capabilities.remote:
            return self._here
        most, automatic = most_workers(options), options.max_workers == "auto" and plan.capabilities.probed
        ceiling, start = (None, AUTO_START) if automatic else (most, most)
        key = (plan.backend, plan.stage.endpoint, plan.endpoint_id, ceiling)
        return self._once(self._levels, key, lambda: AdaptiveConcurrency(ceiling, start, plan.stage.endpoint))

    def watch(self, plan: StagePlan, backend: Backend, level: AdaptiveConcurrency) -> EndpointWatch:
        """Return the watch of the plan's endpoint, which all analyses with the same backend and level share."""
        key = (plan.stage.endpoint, plan.endpoint_id, id(backend), id(level))
        return self._once(self._watches, key, lambda: EndpointWatch(backend, plan.stage.endpoint, level))

    def features(self, plan: StagePlan, ask: Callable[[], frozenset[str] | None]) -> frozenset[str]:
        """Return the optional features of the plan's endpoint; none, if `ask` cannot tell (None).

        It is asked once, since a probe is billed like any job.
        """
        key = (plan.backend, plan.stage.endpoint, plan.endpoint_id)
        with self._probing:
            if key not in self._features and (found := ask()) is not None:
                self._features[key] = found
            return self._features.get(key, frozenset())

    def budget_of(self, options: Options) -> Budget:
        """Return a new budget for one analysis, within the shared one."""
        return Budget(options.max_cost, options.price, within=self.budget)

    def journal(self, path: Path) -> Journal:
        """Return the journal at `path`, opened once, and again if the file was removed or replaced. Raises
        `OutputError`."""
        path = Path(os.path.abspath(path))  # noqa: PTH100 - a link may later point elsewhere
        with self._lock:
            if path in self._journals:
                journal, file = self._journals[path]
                if _file(path) == file:
                    return journal
                journal.close()
            journal = Journal(path)
            self._journals[path] = (journal, _file(path))
            return journal

    @contextmanager
    def journal_of(self, path: Path, sha256: str, wait: Callable[[str], None]) -> Iterator[Journal]:
        """Open the journal of one analysis: that at `path`, or, if it is the video's shared folder, one that travels.

        `wait` is called while another process has that, with its name. Raises `OutputError`.
        """
        if path.name != sha256:
            yield self.journal(path)
            return
        journal = TravellingJournal(path, sha256, wait)
        try:
            yield journal
        finally:
            journal.close()

    def close(self) -> None:
        """Close everything. Threads that are still running lose nothing: the next run picks up their jobs."""
        with self._lock:
            backends, journals = list(self._backends.values()), [journal for journal, _ in self._journals.values()]
            self._backends, self._journals, self._models = {}, {}, {}
        for backend in backends:
            backend.close()
        for journal in journals:
            journal.close()

    def _handler(self, plan: StagePlan) -> Handler:
        """Return the stage's handler on its model, which is loaded once; models take turns. Raises `SetupError`."""
        key = (plan.stage.name, plan.stage.identity(plan.options, plan.capabilities).get("model"))
        with self._turn:
            if key not in self._models:
                self._models[key] = plan.stage.open_handler(plan.options)
            return HandlerInTurn(self._models[key], self._turn)

    def _once(self, known: dict[Hashable, Thing], key: Hashable, make: Callable[[], Thing]) -> Thing:
        with self._lock:
            if key not in known:
                known[key] = make()
            return known[key]


class HandlerInTurn(RequestHandler):
    """A handler that serves one request at a time, under a lock that it shares with others."""

    def __init__(self, handler: Handler, turn: AbstractContextManager[Any]) -> None:
        self._handler = handler
        self._turn = turn

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        with self._turn:
            return self._handler(job)

    def answer(self, request: msgspec.Struct) -> dict[str, Any]:
        with self._turn:
            return ask_here(self._handler, request)


def _file(path: Path) -> tuple[int, int]:
    """Return the device and inode of the file at `path`; zeros if there is none."""
    try:
        stat = path.stat()
    except OSError:
        return (0, 0)
    return (stat.st_dev, stat.st_ino)
