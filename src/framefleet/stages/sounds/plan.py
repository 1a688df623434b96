"""Which stretches of sound to listen to. Pure."""

from framefleet.media.audio import plan_sound
from framefleet.media.audio_plan import AudioChunk
from framefleet.media.info import MediaInfo
from framefleet.schema.cost import Backend
from framefleet.units import Seconds

MAX_CHUNK_S: dict[Backend, Seconds] = {"runpod": 900.0, "local": 300.0}
"""As speech has them, so that both stages can be sent the same clips of the same sound."""


def plan_sounds(media: MediaInfo, backend: Backend) -> list[AudioChunk]:
    """Nominal chunks over all of the sound; none without sound."""
    return plan_sound(media, MAX_CHUNK_S[backend])
