"""What the speech stage is expected to send and to take, before a sound is decoded. Pure."""

from framefleet.stages.base import Pace

ENDPOINT_PACE = Pace(unit_s=1 / 40, alone_s=1 / 40)
"""A GPU worker's seconds a second of sound, large-v3-turbo in batches. An assumption: no real endpoint was timed."""

LOCAL_PACE = Pace(unit_s=0.06, alone_s=0.06)
"""tiny.en in int8 on one thread of a server: an hour of speech without a break took 182 to 257 s, three passes."""
