"""YUV colours. Pure."""

from typing import NamedTuple

from framefleet.outputs.palette import Rgb


class Yuv(NamedTuple):
    """Luma and two chromas, 8 bit, limited range (ITU-R BT.709)."""

    y: int
    u: int
    v: int


BLACK, WHITE, GREY = Yuv(16, 128, 128), Yuv(235, 128, 128), Yuv(40, 128, 128)


def ink_on(plate: Yuv) -> Yuv:
    """Return black or white, whichever has more contrast."""
    return BLACK if plate.y > 110 else WHITE


def from_rgb(rgb: Rgb) -> Yuv:
    """Convert red, green and blue, 0 to 255."""
    red, green, blue = (part / 255 for part in rgb)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return Yuv(
        round(16 + 219 * luma), round(128 + 224 * (blue - luma) / 1.8556), round(128 + 224 * (red - luma) / 1.5748)
    )
