"""The document of a finished run. Pure."""

import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import fields

from framefleet import __version__
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.fleet.billing.estimate import stage_cost, total
from framefleet.media.types import ClipTime
from framefleet.pipeline.derive import ClientResult
from framefleet.pipeline.finish import FinishedStage
from framefleet.pipeline.run import Run
from framefleet.results.assemble.fusion import fuse
from framefleet.results.timing.components import build_timing
from framefleet.schema.document import (
    Config,
    Document,
    FailureEntry,
    ModelUsed,
    Provenance,
    Video,
)
from framefleet.schema.results import StageResult
from framefleet.stages.registry import SPECS, spec_of
from framefleet.stages.scene import Scene
from framefleet.timebase import Seconds, Span


def build_document(run: Run, sha256: str) -> Document:
    """Build the document of a run. `sha256` is that of the video file."""
    stages, config = run.stages, _config(run)
    found = {name: _kept(run, name) for name in SPECS}
    for name, amends in ((name, spec.output.amends) for name, spec in SPECS.items()):
        if amends is not None and found[name] and found[amends[0]] is not None:
            found[amends[0]] = amends[1](found[amends[0]], found[name])
    scenes: list[Scene] = next((found[name] for name, spec in SPECS.items() if spec.output.gathers and found[name]), [])
    for name, with_scenes in ((name, spec.output.with_scenes) for name, spec in SPECS.items()):
        if with_scenes is not None and found[name] is not None:
            found[name] = with_scenes(found[name], scenes)
    results = {
        name: fuse(result, found, sampling=config.sampling) if spec_of(name).output.gathers else result
        for name, result in found.items()
        if result is not None
    }
    fields: dict[str, Any] = {
        spec.output.key: results.get(name) for name, spec in SPECS.items() if spec.output.key is not None
    }
    return Document(
        video=_video(run, sha256),
        config=config,
        **fields,
        results=_further({name: results[name] for name in run.names if name in results}) or UNSET,
        cost=total({name: _cost(run, stage) for name, stage in stages.items()}),
        timing=build_timing(run),
        failures=[
            *(entry for name, stage in stages.items() for entry in failure_entries(name, stage)),
            *(entry for name, client in run.client.items() for entry in _client_failures(name, client)),
        ],
        provenance=_provenance(run),
    )


def failure_entries(name: str, stage: FinishedStage) -> Iterator[FailureEntry]:
    """Yield work without an answer: frames with the same error in one entry, each span of sound in its own."""
    pictures: dict[tuple[str, int], set[int]] = defaultdict(set)
    times: dict[int, Seconds] = {}
    for failure in stage.outcome.failures:
        if not failure.facts:  # it failed before its content was known
            yield FailureEntry(stage=name, error=failure.error, attempts=failure.attempts)
        for fact in failure.facts:
            if isinstance(fact, ClipTime):
                yield FailureEntry(stage=name, span_s=fact.span, error=failure.error, attempts=failure.attempts)
            else:
                pictures[failure.error, failure.attempts].add(fact.index)
                times[fact.index] = fact.time_s
    for answer in stage.outcome.answers:
        for frame in getattr(answer.reply, "frames", ()):
            if (error := _unread(frame)) is not None:
                pictures[error, 1].add(frame.index)
                times[frame.index] = frame.time_s
    of_spans = stage.plan.spec.per_span is not None  # whose numbers are not sample indices
    for (error, attempts), items in sorted(pictures.items(), key=lambda entry: min(entry[1])):
        if of_spans:
            when = sorted(times[item] for item in items)
            yield FailureEntry(stage=name, span_s=Span(when[0], when[-1]), error=error, attempts=attempts)
        else:
            yield FailureEntry(stage=name, items=sorted(items), error=error, attempts=attempts)


def _unread(frame: Any) -> str | None:
    """Return why a worker did not analyse a frame; None if it did, or did not have to."""
    error: str | None = frame.error
    done = _looked_at(frame) or getattr(frame, "unchanged", False)
    return error or (None if done else "the worker gave no reason")


_ABOUT = {"index", "time_s", "error", "unchanged"}


def _looked_at(frame: Any) -> bool:
    """Return whether a frame's answer holds more than its index and time."""
    return any(getattr(frame, name) is not None for name in frame.__struct_fields__ if name not in _ABOUT)


def _answered(stage: FinishedStage) -> bool:
    """Return whether anything was answered, or there were no items. `unchanged` alone is not an answer."""
    replies = (answer.reply for answer in stage.outcome.answers)
    heard = (any(map(_looked_at, reply.frames)) if hasattr(reply, "frames") else True for reply in replies)
    return not stage.plan.items or any(heard)


def _client_failures(name: str, client: ClientResult) -> Iterator[FailureEntry]:
    """Yield the failures of a stage on the client: its error, or the spans that it could not read."""
    if client.error is not None:
        yield FailureEntry(stage=name, error=client.error, attempts=1)
    for stretch in client.missed:
        yield FailureEntry(stage=name, span_s=stretch.span, error=stretch.error, attempts=0)


def _video(run: Run, sha256: str) -> Video:
    media = run.media
    return Video(
        path=as_text(media.path),
        sha256=sha256,
        start_s=media.start_s,
        duration_s=media.duration_s,
        width=media.width,
        height=media.height,
        fps=media.fps,
        codec=media.codec,
        frame_count=media.frame_count,
        audio=media.audio,
        rotation=media.rotation,
        mirrored=media.mirrored,
        track=media.track,
        tracks=media.tracks,
        duration_from=media.duration_from,
    )


def as_text(path: Path) -> str:
    """Return a path as text for a document; bytes that are not valid text are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")


def _config(run: Run) -> Config:
    options = run.options
    configs = _configs(run)
    fields = {
        name: value for stage, part in configs.items() if spec_of(stage).output.key for name, value in part.items()
    }
    own = _set_of_stages(run)
    for stage in run.names:
        if stage in configs and not spec_of(stage).output.key:
            own[stage] = own.get(stage, {}) | msgspec.to_builtins(configs[stage])
    return Config(
        backend={name: stage.plan.backend for name, stage in run.stages.items()},
        max_workers=options.max_workers,
        batch_size=options.batch_size,
        audio_track=options.audio_track,
        audio_channel=options.audio_channel,
        video_track=options.video_track,
        stages=own or UNSET,
        parts=list(run.media.parts) or UNSET,
        dense_first_s=run.media.dense_first_s or UNSET,
        **fields,
    )


def _configs(run: Run) -> dict[str, Mapping[str, Any]]:
    """Return the configuration of each stage, also of those that did not run."""
    configs: dict[str, Mapping[str, Any]] = {}
    for name, spec in SPECS.items():
        if spec.config is not None:
            stage = run.stages.get(name)
            options, can = (stage.plan.options, stage.plan.capabilities) if stage else (run.options, IN_PROCESS)
            configs[name] = spec.config(options, can, _first_reply(stage))
    return configs


def _further(results: Mapping[str, Any]) -> dict[str, StageResult]:
    """Return the results of stages without a field of their own."""
    kinds = {name: spec_of(name).output for name in results}
    return {
        name: StageResult(
            label=kind.label, spans=list(kind.spans(results[name])), data=msgspec.to_builtins(results[name])
        )
        for name, kind in kinds.items()
        if kind.key is None
    }


def _set_of_stages(run: Run) -> dict[str, dict[str, Any]]:
    """Return the settings of single stages, for stages of the run."""
    return {
        name: {
            field.name: msgspec.to_builtins(value)
            for field in fields(own)
            if (value := getattr(own, field.name)) is not None
        }
        for name, own in run.options.own.items()
        if name in run.names
    }


def _kept(run: Run, name: str) -> Any:
    """Return a stage's part of the document."""
    kind = spec_of(name).output
    if name in run.stages and kind.unanswered:
        return run.stages[name].result
    if name in run.names and name not in run.stages and name not in run.client and kind.absent is not None:
        return kind.absent(run.media)
    return _result(run, name)


def _result(run: Run, name: str) -> Any:
    """Return the result of a stage; None if it did not run, or neither it nor its inputs have an answer."""
    if name in run.stages:
        return run.stages[name].result if _answered(run.stages[name]) else None
    client, needs = run.client.get(name), spec_of(name).needs
    in_vain = bool(needs) and all(_result(run, needed) is None for needed in needs)
    return client.result if client is not None and not in_vain else None


def _cost(run: Run, stage: FinishedStage) -> Any:
    plan = stage.plan
    return stage_cost(
        plan.backend,
        stage.outcome.charges,
        gpu=getattr(_first_reply(stage), "gpu", None),
        price=run.options.price,
        tariff=plan.tariff,
        estimated=plan.estimate,
        alone_s=plan.units * plan.stage.pace(plan.capabilities).alone_s,
        others=stage.others,
    )


def _provenance(run: Run) -> Provenance:
    return Provenance(
        framefleet_version=__version__,
        python=platform.python_version(),
        platform=platform.platform(),
        started_at=run.started_at.isoformat(timespec="seconds"),
        finished_at=(run.started_at + timedelta(seconds=run.wall_s)).astimezone(UTC).isoformat(timespec="seconds"),
        models={name: _models(answer.reply for answer in stage.outcome.answers) for name, stage in run.stages.items()},
    )


def _models(replies: Iterable[Any]) -> list[ModelUsed]:
    """Return every model that answered: workers of one endpoint may differ during a rollout."""
    found = {(reply.model, reply.model_id, reply.device, reply.gpu) for reply in replies if reply.model}
    return [ModelUsed(model=m, model_id=i, device=d, gpu=g) for m, i, d, g in sorted(found, key=str)]


def _first_reply(stage: FinishedStage | None) -> Any:
    """Return the first reply of a model; items answered by a prefilter have none."""
    answers = stage.outcome.answers if stage is not None else []
    return next((answer.reply for answer in answers if answer.reply.model), None)
