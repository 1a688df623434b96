"""What the text stage is expected to take, and how closely it looks. Pure."""

from framefleet.schema.cost import Backend
from framefleet.stages.base import Pace

ENDPOINT_PACE = Pace(unit_s=0.05, alone_s=0.08)
"""A GPU worker's seconds a picture with a few lines of text. An assumption: no GPU was timed."""

LOCAL_PACE = Pace(unit_s=0.11, alone_s=0.15)
"""A picture of 1280 × 720 with four lines, on two cores of a server (benchmarks/text_batched.py)."""

_MAX_SIDE: dict[Backend, int] = {"local": 736, "runpod": 1280}


def find_side(backend: Backend) -> int:
    """The longer side, in pixels, of the picture that text is looked for in.

    Of 48 lines of 10 to 44 pixels of height in pictures of 1280 × 720, 46 are found at 640 and all at 736, 960 and
    more. Looking takes 49 ms at 640, 57 at 736, 137 at 960, and 286 by RapidOCR's own rule (736 for the shorter side).
    A GPU looks at all that is sent.
    """
    return _MAX_SIDE[backend]
