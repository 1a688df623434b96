"""What the text stage is expected to take, and how closely it looks. Pure."""

from framefleet.config import Backend
from framefleet.stages.base import Pace

ENDPOINT_PACE = Pace(unit_s=0.05, alone_s=0.08)
"""A GPU worker's seconds a picture with a few lines of text. An assumption: no GPU was timed."""

LOCAL_PACE = Pace(unit_s=0.9, alone_s=0.9)
"""A picture of 1280 × 720 with eight lines, on two shared cores: 0.2 to 0.4 to find them, and 0.07 to read each."""

_MAX_SIDE: dict[Backend, int] = {"local": 736, "runpod": 1280}


def find_side(backend: Backend) -> int:
    """The longer side, in pixels, of the picture that text is looked for in.

    Of 48 lines of 10 to 44 pixels of height in pictures of 1280 × 720, 46 are found at 640 and all at 736, where it
    takes 1.7 times as long as at 640, 960 another twice, and RapidOCR's own rule (736 for the shorter side) 4 times.
    A GPU looks at all that is sent.
    """
    return _MAX_SIDE[backend]
