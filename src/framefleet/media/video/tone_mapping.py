"""Tone mapping of high dynamic range frames to the standard range that detectors are trained on.

Unmapped, PQ and HLG frames look grey and dim: their curves reserve half of the code values for light brighter than
reference white. Here reference white (203 cd/m², ITU-R BT.2408) becomes almost white, brighter light is rolled off
above it, and BT.2020's wide colours are converted to those of sRGB.
"""

from functools import cache

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

PQ, HLG = 16, 18  # transfer characteristics in ITU-T H.273; iPhones and broadcasts use HLG, discs and streams PQ

_WHITE = 203.0  # cd/m²
_PEAK = 1000.0  # of HLG's reference display, in cd/m² (BT.2100)
_BRIGHTEST = 8.0  # times white; brighter light is clipped
_KNEE = 0.75  # times white; light below keeps its value, light above approaches 1
_STEPS = 4096
_STRIP = 256  # lines at a time: a frame in floats takes six times its own size

_BT709 = 1
_TO_BT709 = np.array(  # ITU-R BT.2087
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32
)
_LUMINANCE = np.array([0.2627, 0.6780, 0.0593], np.float32)  # of the red, green and blue of BT.2020

Light = NDArray[np.float32]

# H.273's matrices that swscale rejects, with the nearest supported one; other values are tagging errors.
_STRANGE = {3: Colorspace.ITU601, 10: Colorspace.BT2020, 14: Colorspace.BT2020}
_KNOWN = {0, 1, 2, 4, 5, 6, 7, 9}


def matrix_of(frame: VideoFrame) -> Colorspace | None:
    """Return the matrix for a frame whose own tag cannot be used; None: its own, or FFmpeg's default."""
    tag = int(frame.colorspace)
    if tag == 2 and is_wide(frame):
        return Colorspace.BT2020
    return None if tag in _KNOWN else _STRANGE.get(tag, Colorspace.ITU601)


def is_wide(frame: VideoFrame) -> bool:
    """Return whether the frame has high dynamic range."""
    return int(frame.color_trc) in (PQ, HLG)


class ToneMapper:
    """A filter for one video's frames that maps high dynamic range ones, at a given size; others pass unchanged."""

    def __init__(self) -> None:
        self._scale = VideoReformatter()

    def flatten(
        self, frame: VideoFrame, width: int, height: int, interpolation: Interpolation = Interpolation.BILINEAR
    ) -> VideoFrame:
        if not is_wide(frame):
            return frame
        scaled = self._scale.reformat(
            frame,
            width,
            height,
            format="rgb48le",
            src_colorspace=matrix_of(frame),
            dst_color_range=ColorRange.JPEG,
            interpolation=interpolation,
            threads=1,
        )
        to_bt709 = int(frame.color_primaries) != _BT709
        rgb = flat(np.asarray(scaled.to_ndarray(), np.uint16), int(frame.color_trc), to_bt709=to_bt709)
        return VideoFrame.from_ndarray(rgb, format="rgb24")


def flat(codes: NDArray[np.uint16], curve: int, *, to_bt709: bool = True) -> NDArray[np.uint8]:
    """Return 16-bit codes of the curve `PQ` or `HLG` as sRGB; both have the shape (height, width, 3), in RGB.

    `to_bt709`: the codes have BT.2020's primaries.
    """
    made = np.empty(codes.shape, np.uint8)
    to_light, to_srgb = _light_of(curve), _srgb()
    for top in range(0, len(codes), _STRIP):
        light = to_light[codes[top : top + _STRIP]]
        if curve == HLG:  # from scene light to display light (BT.2100)
            light *= _PEAK / _WHITE * ((light @ _LUMINANCE) ** 0.2)[..., None]
        if to_bt709:
            light = light @ _TO_BT709.T
        steps = np.sqrt(np.clip(light, 0, _BRIGHTEST)) * ((_STEPS - 1) / _BRIGHTEST**0.5)
        made[top : top + _STRIP] = to_srgb[steps.astype(np.uint16)]
    return made


@cache
def _light_of(curve: int) -> Light:
    """Return the light of each code: 1 is white; for HLG it is scene light, and 1 the brightest."""
    codes = np.arange(65536) / 65535
    return (_pq(codes) if curve == PQ else _hlg(codes)).astype(np.float32)


def _pq(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply SMPTE ST 2084's curve."""
    root = codes ** (1 / 78.84375)
    light: NDArray[np.float64] = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
    return light ** (1 / 0.1593017578125) * (10_000 / _WHITE)


def _hlg(codes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply ITU-R BT.2100's curve."""
    bright = (np.exp((codes - 0.55991073) / 0.17883277) + 0.28466892) / 12
    return np.where(codes <= 0.5, codes**2 / 3, bright)


@cache
def _srgb() -> NDArray[np.uint8]:
    """Return the sRGB code for the square root of each light, in steps up to the brightest."""
    light = np.linspace(0, _BRIGHTEST**0.5, _STEPS) ** 2
    rolled = _KNEE + (1 - _KNEE) * -np.expm1(-np.maximum(light - _KNEE, 0) / (1 - _KNEE))
    shown = np.where(light < _KNEE, light, rolled)
    codes = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    return np.round(codes * 255).astype(np.uint8)
