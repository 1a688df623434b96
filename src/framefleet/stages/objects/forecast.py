"""What the objects stage is expected to send and to take, before a picture is decoded. Pure."""

from framefleet.config.options import Options
from framefleet.schema.cost import Backend
from framefleet.stages.base import Pace

ENDPOINT_PACE = Pace(unit_s=0.2 / 16, alone_s=0.03)
"""A GPU worker's seconds a picture: 0.2 for 16 in one request, 0.03 for one alone."""

LOCAL_PACE = Pace(unit_s=0.045, alone_s=0.045)
"""The embedded model at 416 with its JPEG, on two cores of a server."""

ENDPOINT_MAX_SIDE = 1280
"""Pixels. What a worker's model looks at, so more would only be uploaded."""


def max_side(options: Options, backend: Backend) -> int | None:
    """The longest side of a picture that is sent, in pixels; None: as it is."""
    return options.max_side or (ENDPOINT_MAX_SIDE if backend == "runpod" else None)
