"""What the sounds stage is expected to take, before a sound is decoded. Pure."""

from framefleet.stages.base import Pace

ENDPOINT_PACE = Pace(unit_s=1 / 100, alone_s=1 / 100)
"""A GPU worker's seconds a second of sound, AST in batches of 32. An assumption: no real endpoint was timed."""

LOCAL_PACE = Pace(unit_s=0.002, alone_s=0.002)
"""YAMNet on one core of a server: two slices of half a millisecond, and as much for decoding FLAC."""
