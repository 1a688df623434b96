"""The speakers endpoint on a worker: a clip in, its voices and their turns out."""

from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from framefleet.errors import WorkerError
from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.protocol.speakers import TASK, HeardVoice, SpeakersReply, SpeakersRequest, VoiceTurn
from framefleet.stages.speakers.worker.engine import SpeakerEngine
from framefleet.worker.serving import RequestHandler, ServedHandler, ms
from framefleet.worker.waveform import decode


def open_engine(folder: Path | str, *, threads: int = 1) -> SpeakerEngine:
    """Return the engine on the models in `folder`, loaded now. Raises `SetupError`."""
    return SpeakerEngine(Path(folder), threads=threads)


def make_handler(engine: SpeakerEngine) -> ServedHandler[SpeakersRequest]:
    """Return the worker's handler on `engine`. It answers everything: what it cannot serve with `{"error": …}`."""
    return ServedHandler(SpeakersRequest, lambda: _probe(engine), lambda request: _answer(engine, request), _explained)


class _ByTask(RequestHandler):
    """Two handlers as one: requests of the task `speakers` go to one of them, all others to the other."""

    def __init__(self, others: RequestHandler, speakers: RequestHandler) -> None:
        self._others = others
        self._speakers = speakers

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        asked = job.get("input")
        ours = isinstance(asked, dict) and asked.get("task") == TASK
        return (self._speakers if ours else self._others)(job)

    def answer(self, request: msgspec.Struct) -> dict[str, Any]:
        return (self._speakers if isinstance(request, SpeakersRequest) else self._others).answer(request)


def beside(others: RequestHandler, engine: SpeakerEngine) -> RequestHandler:
    """Return a handler that answers requests for speakers on `engine`, and leaves all others to another stage's."""
    return _ByTask(others, make_handler(engine))


def _probe(engine: SpeakerEngine) -> ProbeReply:
    return ProbeReply(
        source_kinds=["opus", "flac", "wav"],
        model=engine.model,
        model_id=engine.model_id,
        gpu=engine.gpu,
        max_batch=1,
    )


def _answer(engine: SpeakerEngine, request: SpeakersRequest) -> SpeakersReply:
    if request.model not in (None, engine.model):
        raise WorkerError(
            "model_mismatch", f"this worker runs {engine.model}, not {request.model}; ask for that or none"
        )
    began = perf_counter()
    audio = decode(request.audio, request.format, request.duration_s)
    decoded = perf_counter()
    voices = engine.voices(audio, number=request.number, most=request.most)
    ended = perf_counter()
    return SpeakersReply(
        model=engine.model,
        model_id=engine.model_id,
        device=engine.device,
        gpu=engine.gpu,
        voices=[
            HeardVoice(
                voice.centre.astype("<f2").tobytes(),
                [VoiceTurn(start_s, end_s) for start_s, end_s in voice.turns],
            )
            for voice in voices
        ],
        timing_ms=TimingMs(ms(decoded - began), ms(ended - decoded), ms(perf_counter() - began)),
    )


def _explained(error: Exception) -> WorkerError:
    if isinstance(error, MemoryError):
        return WorkerError("out_of_memory", f"{error}; send shorter clips")
    return WorkerError("internal", f"{type(error).__name__}: {error}")
