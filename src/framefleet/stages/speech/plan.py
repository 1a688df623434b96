"""Which stretches of sound to ask about, and the checks that need no model. Pure."""

from framefleet.config import Options
from framefleet.errors import UsageError
from framefleet.media.audio import plan_sound
from framefleet.media.audio_plan import AudioChunk
from framefleet.media.info import MediaInfo
from framefleet.schema.cost import Backend
from framefleet.stages.speech.languages import LANGUAGES
from framefleet.units import Seconds

MAX_CHUNK_S: dict[str, Seconds] = {"runpod": 900.0, "api": 900.0, "local": 300.0}
"""By backend. 15 minutes are 2.7 MB of Opus, well within a request of 10 MiB (OpenAI takes 25 MB); here 5, so that
progress shows and memory stays small."""


def plan_speech(media: MediaInfo, options: Options, backend: Backend) -> list[AudioChunk]:
    """Nominal chunks over all of the sound; none without sound. Raises `UsageError` for a language that cannot be."""
    _check_language(options, backend)
    return plan_sound(media, MAX_CHUNK_S[backend])


def _check_language(options: Options, backend: Backend) -> None:
    if options.language is not None and options.language not in LANGUAGES:
        raise UsageError(
            f"--language {options.language}: not a language Whisper knows; give a code such as en, de or zh"
        )
    if backend != "local" or options.whisper_model is not None:
        return
    remedy = (
        "give --whisper-model a folder with a multilingual faster-whisper model, or set FRAMEFLEET_WHISPER_ENDPOINT"
    )
    if options.language not in (None, "en"):
        raise UsageError(f"--language {options.language}: the embedded model (tiny.en) knows English only; {remedy}")
    if options.task == "translate":
        raise UsageError(f"--task translate: the embedded model (tiny.en) cannot translate; {remedy}")
