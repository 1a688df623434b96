"""The plan of a run, before anything is decoded: pure, and the source of `framefleet plan`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from framefleet.config.endpoints import MAIN_KINDS, Fleet
from framefleet.config.options import Options
from framefleet.config.settings import endpoint_variable
from framefleet.errors import InputError, UsageError
from framefleet.fleet.backends.registry import BackendKind, backend_named, backends, capabilities_of
from framefleet.fleet.billing.estimate import Estimate, estimate
from framefleet.fleet.billing.prices import LISTED, Tariff
from framefleet.media.types import MediaInfo
from framefleet.media.video.request import FrameRequest
from framefleet.pipeline.scheduler import apart, expected_spans, plan_graph, waves
from framefleet.schema.cost import Backend
from framefleet.stages import registry
from framefleet.stages.base import Capabilities, ChoosesModel, Stage
from framefleet.stages.client import DerivingStage, WatchingStage
from framefleet.stages.spec import Audio, Deriving, Frames, Remote, StageSpec, Watching
from framefleet.timebase import Span

AUTO_WORKERS = 64  # the ceiling of `auto`, for the threads that wait; far more than any endpoint has workers


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The plan of one fleet stage. `units` are frames or seconds of sound; `workers` is the number of requests in
    flight.

    `options` are the run's, with the stage's own. `tariff` is the price of its endpoint. `expected` means that its
    input is not known yet, so that the items are an estimate.
    """

    spec: StageSpec
    stage: Stage
    options: Options
    backend: Backend
    endpoint_id: str
    items: Sequence[Any]
    units: float
    workers: int
    payload_bytes: tuple[int, int]
    estimate: Estimate
    tariff: Tariff = LISTED
    expected: bool = False

    @property
    def capabilities(self) -> Capabilities:
        """The capabilities of its backend."""
        return capabilities_of(self.backend)

    @property
    def chooser(self) -> ChoosesModel | None:
        """The stage, if it runs on this machine and chooses among several models."""
        return self.stage if isinstance(self.stage, ChoosesModel) and not self.capabilities.remote else None


@dataclass(frozen=True, slots=True)
class WatchPlan:
    """The plan of a watching stage, with the frames that it needs."""

    spec: StageSpec
    stage: WatchingStage[Any]
    options: Options
    order: FrameRequest


@dataclass(frozen=True, slots=True)
class DerivePlan:
    """The plan of a stage that works on others' results. `options` are those of the others, with the stage's own."""

    spec: StageSpec
    stage: DerivingStage[Any]
    options: Options


@dataclass(frozen=True, slots=True)
class RunPlan:
    """The plan of a run, in these `waves`. `deriving` are in an order in which each has its input.

    `left_out` are, with the reason, default stages that cannot run here, and stages that the file has no input for.
    """

    names: tuple[str, ...]
    left_out: dict[str, str]
    fleet: list[StagePlan]
    watching: list[WatchPlan]
    deriving: list[DerivePlan]
    waves: Sequence[tuple[str, ...]]


def plan_run(
    media: MediaInfo, options: Options, fleet: Fleet, tariff: Callable[[str], Tariff] | None = None
) -> RunPlan:
    """Return the plan for every stage that the file has input for. `tariff` is called for each endpoint in use.

    Raises `UsageError`, also for a stage that was requested by name and cannot run here, and `InputError` if the file
    has no input for any stage.
    """
    asked = _asked(options)
    idle = _idle(asked, media, options)
    lacking = _unready([name for name in asked if name not in idle], options, fleet)
    if lacking and _by_name(options):
        raise UsageError("; ".join(f"{name}: {reason}" for name, reason in lacking.items()))
    left_out = idle | lacking
    if idle and len(left_out) == len(asked):
        reasons = "".join(f"; {name}: {reason}" for name, reason in lacking.items())
        raise InputError(f"{media.path}: no input for {', '.join(idle)}: {next(iter(idle.values()))}{reasons}")
    names = plan_graph([name for name in asked if name not in left_out], registry.needs()).names
    specs = [registry.spec_of(name) for name in names]
    return RunPlan(
        names=names,
        left_out=left_out,
        fleet=[
            _plan_stage(spec, spec.runs, media, options, fleet, tariff)
            for spec in specs
            if isinstance(spec.runs, Remote) and _has(media, spec)
        ],
        watching=[_plan_watching(spec, spec.runs, media, options) for spec in specs if isinstance(spec.runs, Watching)],
        deriving=[
            DerivePlan(spec, spec.runs.stage, _as_found(spec, options))
            for spec in specs
            if isinstance(spec.runs, Deriving)
        ],
        waves=waves(names, registry.needs()),
    )


def _as_found(spec: StageSpec, options: Options) -> Options:
    """Return the options of the stages that it needs, with its own on top."""
    for name in spec.needs:
        options = registry.spec_of(name).options_for(options)
    return spec.options_for(options)


def _idle(asked: Sequence[str], media: MediaInfo, options: Options) -> dict[str, str]:
    """Return the stages without input, and why. A file without any sound is handled by the stages of sound themselves.

    Raises `InputError` if there are frames for a stage but they cannot be decoded.
    """
    blind = [name for name in asked if _looks(name, options)] if media.pictureless else []
    if blind and media.unknown_pictures:
        raise InputError(f"{media.path}: {media.pictureless}")
    deaf = [name for name in asked if media.unknown_sound and registry.spec_of(name).hears]
    return dict.fromkeys(blind, media.pictureless or "") | dict.fromkeys(deaf, media.soundless or "")


def _looks(name: str, options: Options) -> bool:
    """Return whether a stage, or one that it needs, reads frames."""
    spec = registry.SPECS.get(name)
    if spec is None:
        return False
    if isinstance(spec.runs, Watching):
        return spec.runs.stage.looks(options)
    return spec.frames is not None or any(_looks(needed, options) for needed in spec.needs)


def _asked(options: Options) -> list[str]:
    """Return the requested stages, without those that an option of the same name turns off."""
    if options.stages is None:
        names = registry.default()
    else:
        names = options.stages if _by_name(options) else registry.everything()
    for name in names:
        registry.spec_of(name)
    wanted = [name for name in names if getattr(options, name, None) is not False]
    if _by_name(options):
        return wanted
    return [name for name in wanted if registry.spec_of(name).along_with in (None, *wanted)]


def _by_name(options: Options) -> bool:
    return options.stages is not None and "all" not in options.stages


def _unready(names: Sequence[str], options: Options, fleet: Fleet) -> dict[str, str]:
    """Return the stages of the fleet that lack something on the backend they would use, and what."""
    runs = registry.remote()
    reasons = {name: _lack(runs[name].stage, registry.spec_of(name), options, fleet) for name in names if name in runs}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _lack(stage: Stage, spec: StageSpec, options: Options, fleet: Fleet) -> str | None:
    """Return what the stage lacks; None if nothing. Raises `UsageError` if it is requested or a main one, and has no
    backend."""
    try:
        kind, _ = choose_backend(stage, options, fleet)
    except UsageError as error:
        if not _by_name(options) and stage.endpoint not in MAIN_KINDS:
            return str(error)
        raise
    return None if kind.capabilities.remote else stage.missing(spec.options_for(options))


def _has(media: MediaInfo, spec: StageSpec) -> bool:
    """Return whether the file has the stage's kind of input."""
    reads = {type(each) for each in spec.inputs}
    return not (Frames in reads and not media.has_video) and not (Audio in reads and media.soundless is not None)


def most_workers(options: Options) -> int:
    """Return how many requests may be in flight at once."""
    return AUTO_WORKERS if options.max_workers == "auto" else options.max_workers


def choose_backend(stage: Stage, options: Options, fleet: Fleet) -> tuple[BackendKind, str]:
    """Return a stage's backend and its endpoint's id there. Raises `UsageError` if the requested one is not set up."""
    if options.backend != "auto":
        kind = backend_named(options.backend)
        endpoint_id = kind.serves(fleet, stage.endpoint)
        if endpoint_id is None:
            variable = endpoint_variable(stage.endpoint)
            raise UsageError(
                f"--backend {kind.name}: no endpoint for {stage.name}", hint=f"set {variable}, or use --backend auto"
            )
        return kind, endpoint_id
    serving = ((kind, kind.serves(fleet, stage.endpoint)) for kind in backends().values())
    return next((kind, endpoint_id) for kind, endpoint_id in serving if endpoint_id is not None)


def _plan_watching(spec: StageSpec, runs: Watching, media: MediaInfo, options: Options) -> WatchPlan:
    own = spec.options_for(options)
    return WatchPlan(spec, runs.stage, own, runs.stage.order(media, own))


def _plan_stage(
    spec: StageSpec,
    runs: Remote,
    media: MediaInfo,
    options: Options,
    fleet: Fleet,
    tariff: Callable[[str], Tariff] | None,
) -> StagePlan:
    stage, own = runs.stage, spec.options_for(options)
    kind, endpoint_id = choose_backend(stage, options, fleet)
    known = tariff(stage.endpoint) if tariff is not None and kind.capabilities.billed else LISTED
    if spec.per_span is not None:
        stage = stage.of_spans(expected_spans(sum(part.length_s for part in media.analyzed)), spec.per_span.count)
    plan = sized(spec, stage, kind.name, endpoint_id, stage.plan(media, own, kind.capabilities), media, own, known)
    return replace(plan, expected=spec.per_span is not None)


def known_inputs(plan: StagePlan, media: MediaInfo, results: Mapping[str, Any]) -> StagePlan:
    """Return the plan with its actual input from `results`, by stage name. It has no items if that stage failed."""
    per_span = plan.spec.per_span
    if per_span is None:
        return plan
    found = results.get(per_span.stage)
    spans = spans_of(per_span.stage, found) if found is not None else []
    stage = plan.stage.of_spans(spans, per_span.count)
    items = stage.plan(media, plan.options, plan.capabilities)
    return resized(replace(plan, stage=stage, expected=False), items, media)


def spans_of(name: str, found: Any) -> list[Span]:
    """Return the spans of what a stage found, in order and disjoint."""
    return apart(Span(one.start_s, one.end_s) for one in registry.spec_of(name).output.spans(found))


def resized(plan: StagePlan, items: Sequence[Any], media: MediaInfo) -> StagePlan:
    """Return the plan with these items instead."""
    of = sized(plan.spec, plan.stage, plan.backend, plan.endpoint_id, items, media, plan.options, plan.tariff)
    return replace(of, expected=plan.expected)


def sized(
    spec: StageSpec,
    stage: Stage,
    backend: Backend,
    endpoint_id: str,
    items: Sequence[Any],
    media: MediaInfo,
    options: Options,
    tariff: Tariff = LISTED,
) -> StagePlan:
    """Return the plan for these items, with its size and estimate."""
    units = sum(item.units for item in items)
    can = capabilities_of(backend)
    workers = 1 if not can.remote else min(most_workers(options), max(1, len(items)))
    pace = stage.pace(can)
    if isinstance(stage, ChoosesModel) and not can.remote:
        pace = stage.model_pace(options)
    return StagePlan(
        spec=spec,
        stage=stage,
        options=options,
        backend=backend,
        endpoint_id=endpoint_id,
        items=items,
        units=units,
        workers=workers,
        payload_bytes=stage.payload_bytes(items, media, options, can),
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
