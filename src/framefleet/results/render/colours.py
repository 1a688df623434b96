"""Colours as video has them. Pure."""

import colorsys
import zlib
from typing import NamedTuple

_GOLDEN = 0.618034  # steps of the golden ratio around the circle of hues: neighbours always differ


class Yuv(NamedTuple):
    """Luma and two chromas, 8 bit, limited range (ITU-R BT.709)."""

    y: int
    u: int
    v: int


BLACK, WHITE, GREY = Yuv(16, 128, 128), Yuv(235, 128, 128), Yuv(40, 128, 128)


def colour_of(track: int | None, label: str) -> Yuv:
    """One colour a track; without one, one a label."""
    number = track if track is not None else zlib.crc32(label.encode())
    hue = number * _GOLDEN % 1
    return from_rgb(*colorsys.hsv_to_rgb(hue, 0.8, 0.95))


def ink_on(plate: Yuv) -> Yuv:
    """Black or white, whichever stands out more."""
    return BLACK if plate.y > 110 else WHITE


def from_rgb(red: float, green: float, blue: float) -> Yuv:
    """From 0–1 each."""
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return Yuv(
        round(16 + 219 * luma), round(128 + 224 * (blue - luma) / 1.8556), round(128 + 224 * (red - luma) / 1.5748)
    )
