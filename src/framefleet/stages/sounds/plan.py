"""Which stretches of sound to listen to. Pure."""

from framefleet.config import Backend
from framefleet.media.audio import sound_span
from framefleet.media.audio_plan import AudioChunk, plan_chunks
from framefleet.media.info import MediaInfo
from framefleet.units import Seconds

MAX_CHUNK_S: dict[Backend, Seconds] = {"runpod": 900.0, "local": 300.0}
"""As speech has them, so that both stages can be sent the same clips of the same sound."""


def plan_sounds(media: MediaInfo, backend: Backend) -> list[AudioChunk]:
    """Nominal chunks over all of the sound; none without sound."""
    span = sound_span(media)
    return plan_chunks(span.start_s, span.end_s, MAX_CHUNK_S[backend])
