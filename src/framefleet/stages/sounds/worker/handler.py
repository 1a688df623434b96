"""The handler of the ast endpoint: a clip in, the most likely classes of each of its slices out."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from framefleet.errors import WorkerError
from framefleet.protocol.ast import (
    AstReply,
    AstRequest,
    HeardClass,
    Slice,
)
from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.stages.sounds.worker.engines import EngineKind, open_engine
from framefleet.stages.sounds.worker.engines.base import Scores, Slices, SoundClassifier
from framefleet.worker.serving import ServedHandler, check_model, ms
from framefleet.worker.waveform import FORMATS, RATE, decode, explain

BATCH = 32
"""Slices per batch: YAMNet on a CPU is no faster with more."""


def slice_starts(length: int, size: int, hop: int) -> list[int]:
    """Return where slices of `size` samples begin in `length`: every `hop`, and the last one ends with the sound.

    Sound shorter than a slice is one slice; no sound is none.
    """
    if length <= size:
        return [0] if length else []
    return [*range(0, length - size, hop), length - size]


def classify(engine: SoundClassifier, audio: Slices, starts: Sequence[int], size: int) -> tuple[Scores, int | None]:
    """Return every slice's scores, and how many slices fitted into memory if a batch had to be halved (else None).

    `audio` is (samples,). Raises `WorkerError` ("out_of_memory") if not even one slice fits.
    """
    found: list[Scores] = []
    done, most = 0, BATCH
    while done < len(starts):
        batch = np.stack([_cut(audio, start, size) for start in starts[done : done + most]])
        scores = _tried(engine, batch, last=most == 1)
        if scores is None:
            most = -(-len(batch) // 2)
        else:
            found.append(scores)
            done += len(batch)
    return np.concatenate(found or [np.zeros((0, len(engine.labels)), np.float32)]), most if most < BATCH else None


def _cut(audio: Slices, start: int, size: int) -> Slices:
    """Return one slice, padded with silence if the sound is too short."""
    piece = audio[start : start + size]
    return np.pad(piece, (0, size - len(piece)))


def _tried(engine: SoundClassifier, batch: Slices, *, last: bool) -> Scores | None:
    """Return the scores; None if the batch does not fit into memory, but half of it may."""
    try:
        return engine.classify(batch)
    except WorkerError as error:
        if error.type != "out_of_memory" or last:
            raise
        return None


__all__ = ["EngineKind", "make_handler", "open_engine"]


def make_handler(engine: SoundClassifier) -> ServedHandler[AstRequest]:
    """Return the worker's handler on `engine`. It answers a request that it cannot serve with `{"error": …}`."""
    return ServedHandler(AstRequest, lambda: _probe(engine), lambda request: _answer(engine, request), explain)


def _probe(engine: SoundClassifier) -> ProbeReply:
    return ProbeReply(
        source_kinds=FORMATS,
        model=engine.model,
        model_id=engine.model_id,
        gpu=engine.gpu,
        max_batch=1,
    )


def _answer(engine: SoundClassifier, request: AstRequest) -> AstReply:
    check_model(request.model, engine.model)
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


def _best(scores: NDArray[np.float32], request: AstRequest, engine: SoundClassifier) -> list[HeardClass]:
    """Return the requested classes of one slice, best first; equally likely ones in the order of their numbers."""
    order = np.argsort(-scores, kind="stable")[: request.top_k].tolist()
    return [
        HeardClass(number, engine.labels[number], round(float(scores[number]), 4))
        for number in order
        if scores[number] >= request.threshold
    ]
