"""What the speech stage is expected to send and to take, before a sound is decoded. Pure."""

from framefleet.schema.cost import Backend
from framefleet.stages.base import Pace
from framefleet.timebase import Seconds

ENDPOINT_PACE = Pace(unit_s=1 / 40, alone_s=1 / 40)
"""A GPU worker's seconds a second of sound, large-v3-turbo in batches. An assumption: no real endpoint was timed."""

LOCAL_PACE = Pace(unit_s=0.06, alone_s=0.06)
"""tiny.en in int8 on one thread of a server: an hour of speech without a break took 182 to 257 s, three passes."""

_OPUS = (225.0, 3_200.0)
_BYTES_A_SECOND: dict[str, tuple[float, float]] = {"runpod": _OPUS, "api": _OPUS, "local": (200, 32_500)}
"""Opus at 24 kbit/s, variable: silence took 227, noise 2,670, speech up to 3,000. FLAC: silence 201, noise 32,300."""

_BASE64 = 4 / 3


def request_bytes(length_s: Seconds, backend: Backend) -> tuple[int, int]:
    """Least and most bytes of all requests as JSON."""
    low, high = _BYTES_A_SECOND[backend]
    return round(length_s * low * _BASE64), round(length_s * high * _BASE64)
