"""Many videos by actors of Ray, on this machine or on the hosts of a cluster."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from framefleet.cancel import CancelScope
from framefleet.errors import CancelledError, FrameFleetError, SetupError, UsageError
from framefleet.executors.base import Executor, OpenWorker, Outcomes, Pending, Task, VideoOutcome, Work
from framefleet.executors.remote import END_S, OpenedWorker, ProcessDiedError, RemoteWorker, served_elsewhere
from framefleet.install_hints import with_extra
from framefleet.logs import logger
from framefleet.progress import Event, Listener

log = logger(__name__)

STORE_BYTES = 100 * 2**20  # tasks are paths and outcomes are rows; by default Ray takes 30 % of the memory
START_S = "300"  # on a busy machine Ray took up to 53 s to start, and gave up after its own 30 s
SETTINGS = {
    "RAY_raylet_start_wait_time_s": START_S,
    "RAY_worker_register_timeout_seconds": START_S,
    "RAY_USAGE_STATS_ENABLED": "0",  # it would send telemetry
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # an actor without GPUs of Ray's may use those there are
}
ASK_S = 0.5  # how often an actor is asked for events


class Ray(Executor):
    """Actors of Ray, each a process with a session of its own, that divide the limits of each endpoint among them.

    Without an `address` it starts Ray on this machine, and ends it at the end; a program that has started Ray before
    keeps its own. `at_once` None: an actor for each core of the cluster.
    """

    def __init__(self, at_once: int | None = None, address: str | None = None) -> None:
        self._at_once = at_once
        self._address = address

    def run(self, pending: Pending, work: Work, listener: Listener, scope: CancelScope) -> Outcomes:
        ray = _imported()
        with _connected(ray, self._address, self._at_once):
            cores = int(ray.cluster_resources().get("CPU", 1))
            workers = max(1, min(self._at_once or cores, len(pending)))
            alone = sum(node["Alive"] for node in ray.nodes()) == 1
            if not alone and any(task.options.journal is None for task in pending):
                raise UsageError(
                    "--engine ray: several hosts cannot share one SQLite file as a journal",
                    hint="give a folder that they share with --journal",
                )
            opened = work.elsewhere(workers, cores=None if alone else 1)
            actor = ray.remote(num_cpus=1, max_restarts=0, max_concurrency=3)(Actor)
            open_worker = partial(RayWorker, ray, partial(actor.remote, opened, str(Path.cwd())))
            yield from served_elsewhere(workers, open_worker, pending, work, listener, scope)


class RayWorker(RemoteWorker):
    """An actor that analyzes one video after the other."""

    def __init__(self, ray: Any, start: Any) -> None:
        self._ray = ray
        self._start = start
        self._actor: Any = None

    def ask(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        ray, until = self._ray, None
        try:
            if self._actor is None:
                self._actor = self._start()
            asked = self._actor.analyze.remote(task)
            while True:
                ready, _ = ray.wait([asked], timeout=ASK_S)
                for event in ray.get(self._actor.heard.remote()):
                    listener(event)
                if ready:
                    outcome: VideoOutcome = ray.get(asked)
                    return outcome
                if scope.closing and until is None:
                    until = time.monotonic() + scope.drain_left_s + END_S
                    self._actor.cancel.remote(scope.error, scope.drain_left_s)
                if until is not None and time.monotonic() > until:
                    ray.kill(self._actor)  # `ray.cancel` does not stop a method of an actor
        except ray.exceptions.RayActorError as error:
            self.close()
            raise ProcessDiedError(_reason(error)) from None
        except ray.exceptions.RayError as error:
            self.close()
            raise FrameFleetError(f"Ray: {_reason(error)}", code="ray") from error

    def close(self) -> None:
        if self._actor is not None:
            actor, self._actor = self._actor, None
            _quietly(lambda: self._ray.get(actor.close.remote(), timeout=END_S))
            _quietly(lambda: self._ray.kill(actor))


class Actor:
    """What runs in an actor's own process, in the driver's folder `cwd`, so that paths mean the same there.

    Its methods run in threads side by side: `analyze`, and meanwhile `heard` and `cancel`.
    """

    def __init__(self, open_worker: OpenWorker, cwd: str) -> None:
        self._work = OpenedWorker(open_worker)
        self._cwd = cwd
        self._events: list[Event] = []
        self._reporting = threading.Lock()
        self._scope = CancelScope()

    def analyze(self, task: Task) -> VideoOutcome:
        try:
            os.chdir(self._cwd)
        except OSError as error:
            where = f"{socket.gethostname()}: {self._cwd}: {error.strerror}"
            return VideoOutcome(task, error=SetupError(where, hint="start in a folder that all hosts share"))
        if self._scope.cancelled:
            self._scope = CancelScope()
        return self._work(task, self._report, self._scope)

    def heard(self) -> list[Event]:
        """Return the events since the last call."""
        with self._reporting:
            events, self._events = self._events, []
        return events

    def cancel(self, error: FrameFleetError | None, drain_s: float) -> None:
        self._scope.cancel(error or CancelledError("cancelled"), drain_s=drain_s)

    def close(self) -> None:
        self._work.close()

    def _report(self, event: Event) -> None:
        with self._reporting:
            self._events.append(event)


def _imported() -> Any:
    """Import Ray with settings that it reads at that moment. Raises `SetupError`."""
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise SetupError("--engine ray: Ray is not installed", hint=with_extra("ray")) from None
    return ray


def _quietly(end: Callable[[], object]) -> None:
    """Call what ends an actor, which may be gone, and Ray with it."""
    try:
        end()
    except Exception as error:
        log.info("an actor did not end by itself", exc_info=error)


def _reason(error: Exception) -> str:
    """Return the end of an error of Ray, which is the reason; before it are pages of traceback."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


@contextlib.contextmanager
def _connected(ray: Any, address: str | None, cores: int | None) -> Iterator[None]:
    """Use Ray at the address, or start it here, for the block. Raises `SetupError`."""
    if ray.is_initialized():
        yield
        return
    here: dict[str, Any] = (
        {} if address else {"num_cpus": cores, "object_store_memory": STORE_BYTES, "include_dashboard": False}
    )
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **here)
    except Exception as error:  # of any kind, by what fails
        log.info("Ray did not start", exc_info=error)
        raise SetupError(
            f"Ray cannot be started or reached: {_reason(error)}", hint="see --ray-address", code="ray"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
