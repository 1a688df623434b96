"""What a run will do, before anything is decoded: pure, and all that `framefleet plan` shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framefleet.config import Backend, Fleet, Options
from framefleet.errors import UsageError
from framefleet.fleet.cost import Estimate, estimate
from framefleet.media.info import MediaInfo
from framefleet.stages.base import Needs, Stage

AUTO_WORKERS = 64  # `auto` has no ceiling but the threads that wait; far more than any endpoint has workers


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage's work. `units` are frames or seconds of sound; `workers` is how many requests are asked at once."""

    stage: Stage[Any, Any, Any, Any, Any]
    backend: Backend
    endpoint_id: str
    items: Sequence[Any]
    units: float
    workers: int
    payload_bytes: tuple[int, int]
    estimate: Estimate


def plan_run(
    stages: Sequence[Stage[Any, Any, Any, Any, Any]], media: MediaInfo, options: Options, fleet: Fleet
) -> list[StagePlan]:
    """A plan for every stage that the file has something for. Raises `UsageError`."""
    return [
        _plan_stage(stage, media, options, fleet)
        for stage in stages
        if stage.needs is Needs.PICTURES or media.audio is not None
    ]


def most_workers(options: Options) -> int:
    """How many requests may be asked at once."""
    return AUTO_WORKERS if options.max_workers == "auto" else options.max_workers


def choose_backend(stage: Stage[Any, Any, Any, Any, Any], options: Options, fleet: Fleet) -> Backend:
    """Where a stage runs. Raises `UsageError` if a backend is asked for that is not configured."""
    if options.backend == "local":
        return "local"
    configured = stage.endpoint in fleet.endpoints
    if options.backend == "runpod" and not configured:
        variable = f"FRAMEFLEET_{stage.endpoint.upper()}_ENDPOINT"
        raise UsageError(f"--backend runpod: no endpoint for {stage.name}; set {variable}, or use --backend auto")
    return "runpod" if configured else "local"


def _plan_stage(stage: Stage[Any, Any, Any, Any, Any], media: MediaInfo, options: Options, fleet: Fleet) -> StagePlan:
    backend = choose_backend(stage, options, fleet)
    items = stage.plan(media, options, backend)
    units = sum(item.units for item in items)
    workers = 1 if backend == "local" else min(most_workers(options), max(1, len(items)))
    pace = stage.pace(backend)
    return StagePlan(
        stage=stage,
        backend=backend,
        endpoint_id=fleet.endpoints[stage.endpoint] if backend == "runpod" else "",
        items=items,
        units=units,
        workers=workers,
        payload_bytes=stage.payload_bytes(items, media, options, backend),
        estimate=estimate(
            backend, unit_seconds=pace.unit_s, units=units, workers=workers, alone_s=pace.alone_s, price=options.price
        ),
    )
