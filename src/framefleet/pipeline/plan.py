"""What a run will do, before anything is decoded: pure, and all that `framefleet plan` shows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from framefleet.config.endpoints import MAIN_KINDS, Fleet
from framefleet.config.options import Options
from framefleet.config.settings import endpoint_variable
from framefleet.errors import InputError, SetupError, UsageError
from framefleet.fleet.billing.estimate import Estimate, estimate
from framefleet.fleet.billing.prices import LISTED, Tariff
from framefleet.media.types import MediaInfo
from framefleet.media.video.request import FrameRequest
from framefleet.schema.cost import Backend
from framefleet.stages.base import Needs, Stage
from framefleet.stages.client import DerivingStage, WatchingStage
from framefleet.stages.registry import (
    DEFAULT,
    DERIVING,
    FLEET,
    NEEDS,
    WATCHING,
)


@dataclass(frozen=True, slots=True)
class Graph:
    """Names of a run's stages, each after all that it needs. `added`: nobody asked for them, but another needs them."""

    names: tuple[str, ...]
    added: frozenset[str]


def plan_graph(asked: Sequence[str], needs: Mapping[str, Iterable[str]]) -> Graph:
    """The stages asked for, with all that they need, in an order in which they can be done.

    `needs` names for every stage there is the stages whose results it works on. Raises `UsageError` for a name that is
    no stage, and for stages that wait for each other.
    """
    for name in asked:
        if name not in needs:
            raise UsageError(f"--stages {name}: no such stage; there are {', '.join(needs)}")
    wanted: dict[str, tuple[str, ...]] = {}
    open_names = list(asked)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            wanted[name] = tuple(needs[name])
            open_names.extend(wanted[name])
    try:
        sorted_names = tuple(TopologicalSorter({name: wanted[name] for name in needs if name in wanted}).static_order())
    except CycleError as error:
        raise UsageError(f"--stages: these wait for each other: {', '.join(error.args[1])}") from None
    return Graph(sorted_names, frozenset(wanted) - frozenset(asked))


AUTO_WORKERS = 64  # `auto` has no ceiling but the threads that wait; far more than any endpoint has workers


@dataclass(frozen=True, slots=True)
class StagePlan:
    """One stage's work. `units` are frames or seconds of sound; `workers` is how many requests are asked at once.

    `tariff` is what is known of its endpoint's bill.
    """

    stage: Stage
    backend: Backend
    endpoint_id: str
    items: Sequence[Any]
    units: float
    workers: int
    payload_bytes: tuple[int, int]
    estimate: Estimate
    tariff: Tariff = LISTED


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """A stage of the client that watches the pictures, and the pictures it wants."""

    stage: WatchingStage[Any]
    order: FrameRequest


@dataclass(frozen=True, slots=True)
class RunPlan:
    """All that a run will do. `deriving` are in an order in which each finds what it works on.

    `left_out` are stages of the default ones that cannot run here, and those that need pictures where there are none,
    and why.
    """

    names: tuple[str, ...]
    left_out: dict[str, str]
    fleet: list[StagePlan]
    watching: list[WatchPlan]
    deriving: list[DerivingStage[Any]]


def plan_run(
    media: MediaInfo, options: Options, fleet: Fleet, tariff: Callable[[str], Tariff] | None = None
) -> RunPlan:
    """A plan for every stage that the file has something for. `tariff` is asked for each endpoint that is to be used.

    Raises `UsageError`, `SetupError` for a stage that was asked for by name and cannot run here, and `InputError` where
    there is nothing in the file for any of them.
    """
    asked = _asked(options)
    idle = _idle(asked, media, options)
    lacking = _unready([name for name in asked if name not in idle], options, fleet)
    if lacking and options.stages is not None:
        raise SetupError("; ".join(f"{name}: {reason}" for name, reason in lacking.items()))
    left_out = idle | lacking
    if idle and len(left_out) == len(asked):
        reasons = "".join(f"; {name}: {reason}" for name, reason in lacking.items())
        raise InputError(f"{media.path}: nothing for {', '.join(idle)}: {next(iter(idle.values()))}{reasons}")
    names = plan_graph([name for name in asked if name not in left_out], NEEDS).names
    return RunPlan(
        names=names,
        left_out=left_out,
        fleet=[
            _plan_stage(FLEET[n], media, options, fleet, tariff) for n in names if n in FLEET and _has(media, FLEET[n])
        ],
        watching=[WatchPlan(WATCHING[n], WATCHING[n].order(media, options)) for n in names if n in WATCHING],
        deriving=[DERIVING[n] for n in names if n in DERIVING],
    )


def _idle(asked: Sequence[str], media: MediaInfo, options: Options) -> dict[str, str]:
    """Stages that there is nothing for, and why. Without any sound a stage has nothing to do and says so itself.

    Raises `InputError` where there are pictures to look at that cannot be decoded: whoever wants them must convert.
    """
    blind = [name for name in asked if _looks(name, options)] if media.pictureless else []
    if blind and media.unknown_pictures:
        raise InputError(f"{media.path}: {media.pictureless}")
    deaf = [name for name in asked if media.unknown_sound and name in FLEET and FLEET[name].needs is Needs.AUDIO]
    return dict.fromkeys(blind, media.pictureless or "") | dict.fromkeys(deaf, media.soundless or "")


def _looks(name: str, options: Options) -> bool:
    """Whether a stage, or one that it works on, reads pictures; scenes that somebody gives need none."""
    if name in WATCHING:
        return not (name == "scenes" and options.scenes is not None)
    stage = FLEET.get(name)
    return stage.needs is Needs.PICTURES if stage else any(_looks(needed, options) for needed in NEEDS.get(name, ()))


def _asked(options: Options) -> list[str]:
    asked = options.stages or DEFAULT
    names = list(NEEDS) if "all" in asked else list(asked)
    return [name for name in names if name != "speech" or options.speech]


def _unready(names: Sequence[str], options: Options, fleet: Fleet) -> dict[str, str]:
    """Stages of the fleet that lack something where they would run, and what."""
    reasons = {stage.name: _lack(stage, options, fleet) for name in names if (stage := FLEET.get(name))}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _lack(stage: Stage, options: Options, fleet: Fleet) -> str | None:
    """Raises `UsageError` for a stage that was asked for, or is a main one, and has no endpoint to run on."""
    try:
        backend = choose_backend(stage, options, fleet)
    except UsageError as error:
        if options.stages is None and stage.endpoint not in MAIN_KINDS:
            return str(error)
        raise
    return stage.missing(options) if backend == "local" else None


def _has(media: MediaInfo, stage: Stage) -> bool:
    """Whether the file has what the stage reads."""
    return media.has_video if stage.needs is Needs.PICTURES else media.soundless is None


def most_workers(options: Options) -> int:
    """How many requests may be asked at once."""
    return AUTO_WORKERS if options.max_workers == "auto" else options.max_workers


def choose_backend(stage: Stage, options: Options, fleet: Fleet) -> Backend:
    """Where a stage runs. Raises `UsageError` if a backend is asked for that is not configured."""
    if options.backend == "local":
        return "local"
    configured = stage.endpoint in fleet.endpoints
    if options.backend == "runpod" and not configured:
        variable = endpoint_variable(stage.endpoint)
        raise UsageError(f"--backend runpod: no endpoint for {stage.name}; set {variable}, or use --backend auto")
    if configured:
        return "runpod"
    return "api" if stage.endpoint == "whisper" and fleet.whisper_api else "local"


def _plan_stage(
    stage: Stage,
    media: MediaInfo,
    options: Options,
    fleet: Fleet,
    tariff: Callable[[str], Tariff] | None,
) -> StagePlan:
    backend = choose_backend(stage, options, fleet)
    known = tariff(stage.endpoint) if tariff is not None and backend == "runpod" else LISTED
    endpoint_id = {"runpod": fleet.endpoints.get(stage.endpoint), "api": fleet.whisper_api}.get(backend) or ""
    return sized(stage, backend, endpoint_id, stage.plan(media, options, backend), media, options, known)


def sized(
    stage: Stage,
    backend: Backend,
    endpoint_id: str,
    items: Sequence[Any],
    media: MediaInfo,
    options: Options,
    tariff: Tariff = LISTED,
) -> StagePlan:
    """The plan of these items: how much it is, and what it is expected to take."""
    units = sum(item.units for item in items)
    workers = 1 if backend == "local" else min(most_workers(options), max(1, len(items)))
    pace = stage.pace(backend)
    return StagePlan(
        stage=stage,
        backend=backend,
        endpoint_id=endpoint_id,
        items=items,
        units=units,
        workers=workers,
        payload_bytes=stage.payload_bytes(items, media, options, backend),
        estimate=estimate(
            backend,
            unit_seconds=pace.unit_s,
            units=units,
            workers=workers,
            alone_s=pace.alone_s,
            price=options.price,
            tariff=tariff,
        ),
        tariff=tariff,
    )
