"""The handler of the speakers endpoint: a clip in, its voices and their turns out."""

from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.protocol.speakers import TASK, HeardVoice, SpeakersReply, SpeakersRequest, VoiceTurn
from framefleet.stages.speakers.worker.engine import SpeakerEngine
from framefleet.worker.serving import RequestHandler, ServedHandler, check_model, ms
from framefleet.worker.waveform import FORMATS, decode, explain


def open_engine(folder: Path | str, *, threads: int = 1) -> SpeakerEngine:
    """Return the engine on the models in `folder`, loaded now. Raises `SetupError`."""
    return SpeakerEngine(Path(folder), threads=threads)


def make_handler(engine: SpeakerEngine) -> ServedHandler[SpeakersRequest]:
    """Return the worker's handler on `engine`. It answers a request that it cannot serve with `{"error": …}`."""
    return ServedHandler(SpeakersRequest, lambda: _probe(engine), lambda request: _answer(engine, request), explain)


class _ByTask(RequestHandler):
    """Two handlers as one: requests of the task `speakers` go to one of them, all others to the other."""

    def __init__(self, others: RequestHandler, speakers: RequestHandler) -> None:
        self._others = others
        self._speakers = speakers

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        request = job.get("input")
        ours = isinstance(request, dict) and request.get("task") == TASK
        return (self._speakers if ours else self._others)(job)

    def answer(self, request: msgspec.Struct) -> dict[str, Any]:
        return (self._speakers if isinstance(request, SpeakersRequest) else self._others).answer(request)


def beside(others: RequestHandler, engine: SpeakerEngine) -> RequestHandler:
    """Return a handler that answers requests for speakers on `engine`, and leaves all others to another stage's."""
    return _ByTask(others, make_handler(engine))


def _probe(engine: SpeakerEngine) -> ProbeReply:
    return ProbeReply(
        source_kinds=FORMATS,
        model=engine.model,
        model_id=engine.model_id,
        gpu=engine.gpu,
        max_batch=1,
    )


def _answer(engine: SpeakerEngine, request: SpeakersRequest) -> SpeakersReply:
    check_model(request.model, engine.model)
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
