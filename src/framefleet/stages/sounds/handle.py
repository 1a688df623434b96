"""The ast endpoint on a worker: a clip in, the most likely classes of each of its slices out."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import WorkerError
from framefleet.protocol.ast import AstReply, AstRequest, HeardClass, Slice
from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.stages.serving import ms, serve
from framefleet.stages.sounds.engines import EngineKind, open_engine
from framefleet.stages.sounds.engines.base import Engine
from framefleet.stages.sounds.slicing import classify, slice_starts
from framefleet.stages.speech.listen import RATE, decode

__all__ = ["EngineKind", "make_handler", "open_engine"]


def make_handler(engine: Engine) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """The worker's handler on `engine`. It answers everything: what cannot be served with `{"error": …}`."""

    def handler(job: dict[str, Any]) -> dict[str, Any]:
        return serve(job, AstRequest, lambda: _probe(engine), lambda request: _answer(engine, request), _explained)

    return handler


def _probe(engine: Engine) -> ProbeReply:
    return ProbeReply(
        source_kinds=["opus", "flac", "wav"],
        model=engine.model,
        model_id=engine.model_id,
        gpu=engine.gpu,
        max_batch=1,
    )


def _answer(engine: Engine, request: AstRequest) -> AstReply:
    if request.model not in (None, engine.model):
        raise WorkerError(
            "model_mismatch", f"this worker runs {engine.model}, not {request.model}; ask for that or none"
        )
    slicing = engine.settle(request.slice_s, request.hop_s)
    size = round(slicing.slice_s * RATE)
    began = perf_counter()
    audio = decode(request.audio, request.format, request.duration_s)
    decoded = perf_counter()
    starts = slice_starts(len(audio), size, round(slicing.hop_s * RATE))
    scores, max_batch = classify(engine, audio, starts, size)
    ended = perf_counter()
    return AstReply(
        model=engine.model,
        model_id=engine.model_id,
        device=engine.device,
        gpu=engine.gpu,
        slice_s=slicing.slice_s,
        hop_s=slicing.hop_s,
        max_batch=max_batch,
        slices=[
            Slice(round(start / RATE, 6), round(min(start + size, len(audio)) / RATE, 6), _best(row, request, engine))
            for start, row in zip(starts, scores, strict=True)
        ],
        timing_ms=TimingMs(ms(decoded - began), ms(ended - decoded), ms(perf_counter() - began)),
    )


def _best(scores: NDArray[np.float32], request: AstRequest, engine: Engine) -> list[HeardClass]:
    """The classes of one slice that are asked for, best first; those equally likely in the order of their numbers."""
    order = np.argsort(-scores, kind="stable")[: request.top_k].tolist()
    return [
        HeardClass(number, engine.labels[number], round(float(scores[number]), 4))
        for number in order
        if scores[number] >= request.threshold
    ]


def _explained(error: Exception) -> WorkerError:
    if isinstance(error, MemoryError):
        return WorkerError("out_of_memory", f"{error}; send shorter clips")
    return WorkerError("internal", f"{type(error).__name__}: {error}")
