"""How a video looks: light, colours and motion, over time and by scene."""

import msgspec

from framefleet.timebase import Seconds

HUES = ("red", "orange", "yellow", "green", "cyan", "blue", "violet", "pink")
"""Of 45 degrees each, from -22.5 degrees on."""
GREYS = ("black", "dark grey", "light grey", "white")
"""Of a quarter of the brightness each: pixels with too little colour or light to have a hue."""
PALETTE = (*HUES, *GREYS)


class Look(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How the frames from `start_s` to `end_s` look: means, and medians of `pan` and `zoom`.

    `light`, `contrast` (the standard deviation of the brightness) and `saturation` are 0–1, `detail` is the share of
    pixels on edges, and `plain` the share of frames that have hardly any: a plain background. `palette` are the shares
    of the colours named in `PALETTE`.

    `motion` is the change of brightness from frame to frame, 0–1, cuts left out; `pan` how fast the content moves, in
    widths of the frame per second, and `zoom` by how much it grows per second (negative: it shrinks); `still` is the
    share of frames that are the same as the one before. These are null where no two frames follow each other.
    """

    start_s: Seconds
    end_s: Seconds
    light: float
    contrast: float
    saturation: float
    detail: float
    plain: float
    motion: float | None
    pan: float | None
    zoom: float | None
    still: float | None
    palette: list[float]


class Looks(msgspec.Struct, frozen=True):
    """The looks of a video: `over_time` by the second, and of each of the `scenes`, in their order.

    Seconds that were not seen are left out, and scenes are null.
    """

    over_time: list[Look]
    scenes: list[Look | None] = []
