"""From a finished run to its document. Pure."""

import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Iterator
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
from framefleet.pipeline.run import FinishedStage, Run
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
from framefleet.schema.scenes import SceneEntry
from framefleet.schema.speech import Transcription
from framefleet.stages.frame_stage import max_side
from framefleet.stages.objects.models import NAMES, PREFERRED
from framefleet.stages.registry import spec_of
from framefleet.stages.speech.merge import no_audio
from framefleet.timebase import Seconds, Span


def build_document(run: Run, sha256: str) -> Document:
    """`sha256` is of the video file."""
    stages = run.stages
    return Document(
        video=_video(run, sha256),
        config=_config(run),
        detections=stages["objects"].result if "objects" in stages else None,
        transcription=_transcription(run),
        scenes=_scenes(run),
        tracks=_result(run, "tracks"),
        sounds=_result(run, "sounds"),
        text=_result(run, "text"),
        results=_further(run) or UNSET,
        cost=total({name: _cost(run, stage) for name, stage in stages.items()}),
        timing=build_timing(run),
        failures=[
            *(entry for name, stage in stages.items() for entry in failure_entries(name, stage)),
            *(entry for name, client in run.client.items() for entry in _client_failures(name, client)),
        ],
        provenance=_provenance(run),
    )


def failure_entries(name: str, stage: FinishedStage) -> Iterator[FailureEntry]:
    """What has no answer: pictures that failed alike in one entry, each stretch of sound in one of its own."""
    pictures: dict[tuple[str, int], set[int]] = defaultdict(set)
    times: dict[int, Seconds] = {}
    for failure in stage.outcome.failures:
        if not failure.facts:  # it failed before anybody knew what was in it
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
    of_spans = stage.plan.spec.per_span is not None  # whose numbers say nothing of when they are
    for (error, attempts), items in sorted(pictures.items(), key=lambda entry: min(entry[1])):
        if of_spans:
            when = sorted(times[item] for item in items)
            yield FailureEntry(stage=name, span_s=Span(when[0], when[-1]), error=error, attempts=attempts)
        else:
            yield FailureEntry(stage=name, items=sorted(items), error=error, attempts=attempts)


def _unread(frame: Any) -> str | None:
    """Why a picture that a worker had was not looked at; None if it was, or need not be."""
    error: str | None = frame.error
    done = _looked_at(frame) or getattr(frame, "unchanged", False)
    return error or (None if done else "the worker did not say why")


_ABOUT = {"index", "time_s", "error", "unchanged"}


def _looked_at(frame: Any) -> bool:
    """Whether it says anything besides which picture it is about."""
    return any(getattr(frame, name) is not None for name in frame.__struct_fields__ if name not in _ABOUT)


def _answered(stage: FinishedStage) -> bool:
    """Whether anything was, or there was nothing to ask about. That a picture is like one that was not is no answer."""
    replies = (answer.reply for answer in stage.outcome.answers)
    heard = (any(map(_looked_at, reply.frames)) if hasattr(reply, "frames") else True for reply in replies)
    return not stage.plan.items or any(heard)


def _client_failures(name: str, client: ClientResult) -> Iterator[FailureEntry]:
    """Of a stage of the client: that it failed, or the stretches that it did not get to see."""
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
    """A path as documents say it: a name may be no text at all."""
    return os.fsencode(path).decode("utf-8", "replace")


def _config(run: Run) -> Config:
    objects = run.stages.get("objects")
    options = objects.plan.options if objects is not None else run.options
    reply = _first_reply(objects)
    speech = _first_reply(run.stages.get("speech"))
    return Config(
        backend={name: stage.plan.backend for name, stage in run.stages.items()},
        fps=options.fps,
        max_workers=options.max_workers,
        batch_size=options.batch_size,
        max_side=max_side(options, objects.plan.capabilities if objects else IN_PROCESS),
        jpeg_quality=options.jpeg_quality,
        crop=options.crop,
        yolo_model=getattr(reply, "model", options.yolo_model),
        yolo_conf=options.conf,
        yolo_iou=options.iou,
        yolo_imgsz=getattr(reply, "imgsz", None) or options.imgsz,
        yolo_imgsz_fixed=getattr(reply, "imgsz_fixed", None),
        yolo_fallback_for=_fallback_for(objects, reply),
        yolo_half=getattr(reply, "half", None),
        yolo_max_det=options.max_det,
        yolo_classes=None if options.classes is None else list(options.classes),
        whisper_model=getattr(speech, "model", options.whisper_model),
        language=options.language,
        task=options.task,
        sampling=options.sampling,
        audio_track=options.audio_track,
        audio_channel=options.audio_channel,
        video_track=options.video_track,
        sounds_model=getattr(_first_reply(run.stages.get("sounds")), "model", options.ast_model),
        sounds_threshold=options.sounds_threshold,
        stages=_set_of_stages(run) or UNSET,
    )


def _fallback_for(objects: FinishedStage | None, reply: Any) -> str | None:
    """Return the detector that this machine uses by default, if a lesser one answered although none was named."""
    if objects is None or objects.plan.capabilities.remote or objects.plan.options.yolo_model is not None:
        return None
    return PREFERRED[0] if getattr(reply, "model", None) in set(NAMES) - {PREFERRED[0]} else None


def _transcription(run: Run) -> Transcription | None:
    if "speech" not in run.names:
        return None
    return _result(run, "speech") if "speech" in run.stages else no_audio(run.media)


def _scenes(run: Run) -> list[SceneEntry] | None:
    scenes = _result(run, "scenes")
    if scenes is None:
        return None
    found = (_result(run, name) for name in ("objects", "speech", "sounds", "text"))
    kinds = {name: spec_of(name).output for name in run.names}
    others = {
        kind.scene_field: list(kind.spans(result))
        for name, kind in kinds.items()
        if kind.key is None and kind.scene_field is not None and (result := _result(run, name)) is not None
    }
    objects = run.stages.get("objects")
    sampling = (objects.plan.options if objects is not None else run.options).sampling
    return fuse(scenes, *found, sampling=sampling, others=others)


def _further(run: Run) -> dict[str, StageResult]:
    """What there is no field for."""
    found = {name: (spec_of(name).output, _result(run, name)) for name in run.names}
    return {
        name: StageResult(label=kind.label, spans=list(kind.spans(result)), data=msgspec.to_builtins(result))
        for name, (kind, result) in found.items()
        if kind.key is None and result is not None
    }


def _set_of_stages(run: Run) -> dict[str, dict[str, Any]]:
    """What was set for one stage alone, of those that were part of the run."""
    told = {name: own for name, own in run.options.own.items() if name in run.names}
    return {
        name: {
            field.name: msgspec.to_builtins(value)
            for field in fields(own)
            if (value := getattr(own, field.name)) is not None
        }
        for name, own in told.items()
    }


def _result(run: Run, name: str) -> Any:
    """What a stage came to; None if it was not asked for, if nothing was answered, or nothing of what it works on."""
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
    """Every model that answered: workers of one endpoint may differ while an image is being rolled out."""
    found = {(reply.model, reply.model_id, reply.device, reply.gpu) for reply in replies if reply.model}
    return [ModelUsed(model=m, model_id=i, device=d, gpu=g) for m, i, d, g in sorted(found, key=str)]


def _first_reply(stage: FinishedStage | None) -> Any:
    """Of a model: what nobody had to be asked for has none."""
    answers = stage.outcome.answers if stage is not None else []
    return next((answer.reply for answer in answers if answer.reply.model), None)
