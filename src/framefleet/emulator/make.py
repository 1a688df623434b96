"""The construction of endpoints."""

from collections.abc import Callable, Mapping
from typing import TypedDict, Unpack

from framefleet.emulator.clock import ScaledClock, ServiceClock
from framefleet.emulator.endpoint import EmulatedEndpoint
from framefleet.emulator.faults import Faults
from framefleet.emulator.pool import Pool
from framefleet.emulator.rates import RUNPOD, Rate
from framefleet.emulator.runners import Given, InThread, Runner
from framefleet.emulator.workers import WorkerThreads
from framefleet.timebase import Seconds


class EndpointSettings(TypedDict, total=False):
    """The settings of an endpoint. Times are the clock's."""

    name: str  # for the log
    min_workers: int  # always up; default: all of them
    cold_start_s: Seconds  # from a worker's start until it can take a job; default 0
    idle_s: Seconds  # until a worker without a job stops; default 5, as on the service
    clock: ServiceClock  # default: real time
    faults: Faults  # default: none
    rates: Mapping[str, Rate]  # default: the service's


def make_endpoint(handler: Given, workers: int = 3, **settings: Unpack[EndpointSettings]) -> EmulatedEndpoint:
    """Return an open endpoint whose workers are threads of this process that run `handler`."""
    return open_endpoint(lambda: InThread(handler), workers, **settings)


def open_endpoint(
    make_runner: Callable[[], Runner], workers: int, **settings: Unpack[EndpointSettings]
) -> EmulatedEndpoint:
    """Return an open endpoint with up to `workers` workers, each with a runner of its own."""
    clock = settings.get("clock") or ScaledClock()
    pool = Pool(
        clock,
        least=settings.get("min_workers", workers),
        most=workers,
        cold_start_s=settings.get("cold_start_s", 0.0),
        idle_s=settings.get("idle_s", 5.0),
    )
    endpoint = EmulatedEndpoint(
        pool, clock, settings.get("faults"), settings.get("rates", RUNPOD), settings.get("name", "")
    )
    WorkerThreads(endpoint, make_runner)
    endpoint.open()
    return endpoint
