"""The handler of the whisper endpoint: it transcribes a clip by faster-whisper, with a model that is loaded once."""

import time

from framefleet.errors import WorkerError
from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.protocol.whisper import WhisperReply, WhisperRequest
from framefleet.stages.speech.worker.model import Engine, open_model
from framefleet.stages.speech.worker.passages import Transcript, transcribed
from framefleet.worker.serving import ServedHandler, check_model, ms
from framefleet.worker.waveform import FORMATS, decode

__all__ = ["make_handler", "open_model"]  # what the image imports

FEATURES = ["words"]
"""What a request may ask for that the first workers ignored."""


def make_handler(engine: Engine) -> ServedHandler[WhisperRequest]:
    """Return the worker's handler on `engine`. It answers a request that it cannot serve with `{"error": …}`."""
    return ServedHandler(WhisperRequest, lambda: _probe(engine), lambda request: _answer(engine, request), _explained)


def _probe(engine: Engine) -> ProbeReply:
    return ProbeReply(
        source_kinds=FORMATS,
        model=engine.name,
        model_id=engine.model_id,
        gpu=engine.gpu,
        max_batch=1,
        features=FEATURES,
    )


def _answer(engine: Engine, request: WhisperRequest) -> WhisperReply:
    _check(engine, request)
    began = time.perf_counter()
    audio = decode(request.audio, request.format, request.duration_s)
    decoded = time.perf_counter()
    heard = transcribed(engine, request, audio) if len(audio) else Transcript([], request.language or "en", 0.0)
    ended = time.perf_counter()
    return WhisperReply(
        model=engine.name,
        model_id=engine.model_id,
        device=engine.device,
        gpu=engine.gpu,
        language=heard.language,
        language_probability=heard.probability,
        segments=heard.segments,
        timing_ms=TimingMs(ms(decoded - began), ms(ended - decoded), ms(ended - began)),
    )


def _check(engine: Engine, request: WhisperRequest) -> None:
    check_model(request.model, engine.name)
    if request.language is not None and request.language not in engine.languages:
        raise WorkerError(
            "unsupported",
            f"{engine.name} does not support the language {request.language!r}; use a multilingual model",
        )
    if request.task == "translate" and not engine.translates:
        raise WorkerError(
            "unsupported", f"{engine.name} supports English only and cannot translate; use a multilingual model"
        )


def _explained(error: Exception) -> WorkerError:
    line = f"{type(error).__name__}: {error}"
    if "out of memory" in str(error).lower() or isinstance(error, MemoryError):
        return WorkerError("out_of_memory", f"{line}; send shorter clips or use a smaller model")
    return WorkerError("internal", line)
