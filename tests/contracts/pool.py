"""A backend as another package brings one: a pool of threads that run the stages' own handlers on encoded pictures."""

from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import count
from typing import Any

import msgspec

from framefleet.cancel import CancelScope
from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.errors import FleetError, JobLostError, NotDoneError, from_worker
from framefleet.fleet.backends.base import Done, Health, Job, Receipt, result_of
from framefleet.fleet.backends.registry import BackendKind, OpenedEndpoint
from framefleet.stages.base import Capabilities, Handler
from framefleet.worker.serving import ask_here

POOLED = Capabilities(
    remote=False, durable=False, billed=False, probed=False, transports=("jpeg_frames", "flac", "opus")
)


class PoolBackend:
    capabilities = POOLED

    def __init__(self, open_handlers: Mapping[str, Callable[[], Handler]], threads: int = 1) -> None:
        self._handlers = {kind: opened() for kind, opened in open_handlers.items()}
        self._pool, self._numbers = ThreadPoolExecutor(threads), count(1)
        self._jobs: dict[str, Future[Any]] = {}

    def submit(self, endpoint: str, request: msgspec.Struct, cancel: CancelScope | None = None) -> Job:
        if cancel is not None:
            cancel.check()
        if endpoint not in self._handlers:
            raise JobLostError(f"{endpoint}: nothing in the pool answers it")
        job = Job(endpoint, f"pool-{next(self._numbers)}")
        self._jobs[job.id] = self._pool.submit(ask_here, self._handlers[endpoint], request)
        return job

    def wait(self, job: Job, timeout_s: float, cancel: CancelScope | None = None) -> Done:
        if job.id not in self._jobs:
            raise JobLostError(f"{job.id} is not in the pool")
        try:
            output = result_of(self._jobs[job.id], timeout_s, cancel)
        except CancelledError:
            raise JobLostError(f"{job.id} was cancelled") from None
        except TimeoutError:
            raise NotDoneError(f"{job.id} takes longer than {timeout_s:g} s") from None
        if "error" in output:
            raise from_worker(output["error"])
        return Done(output, Receipt("pool"))

    def cancel(self, job: Job) -> None:
        self._jobs[job.id].cancel()

    def attach(self, endpoint: str, id: str) -> Job:
        return Job(endpoint, id)

    def health(self, endpoint: str) -> Health:
        busy = sum(job.running() for job in self._jobs.values())
        waiting = sum(not job.running() and not job.done() for job in self._jobs.values())
        return Health({"inQueue": waiting, "inProgress": busy}, {"running": busy})

    def held_s(self, endpoint: str) -> float:
        return 0.0

    def trouble(self, endpoint: str, in_flight: bool) -> FleetError | None:
        return None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class PoolKind(BackendKind):
    name, capabilities = "pool", POOLED

    def serves(self, fleet: Fleet, endpoint: str) -> str | None:
        return ""

    def open(self, endpoints: Mapping[str, OpenedEndpoint], options: Options, fleet: Fleet) -> PoolBackend:
        return PoolBackend({kind: endpoint.open_handler for kind, endpoint in endpoints.items()})


KIND = PoolKind()
