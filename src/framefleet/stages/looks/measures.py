"""What is measured of one frame and of its change from the one before, and its means over spans. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean, median
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from framefleet.schema.looks import GREYS, HUES, Look
from framefleet.stages.scene import Scene
from framefleet.timebase import Seconds

_COLOURED = 50  # saturation, of 255, from which on a hue is reliable
_LIT = 40  # brightness, likewise
_EDGE = 40  # of the Laplacian of 8-bit brightness
_PLAIN = 0.03  # of pixels on edges: a wall or a slide has less, footage of anything more
_STILL = 0.002  # mean change, 0-1: noise of coding stays below
_CUT = 0.12  # mean change above which the two frames show different things, and motion between them means nothing
_TEXTURE = 4.0  # grey levels above the surroundings from which on the flow of a pixel is trusted


@dataclass(frozen=True, slots=True)
class MeasuredFrame:
    """A frame that was measured. `grey` is (height, width), uint8."""

    time_s: Seconds
    shown_s: Seconds
    grey: NDArray[np.uint8]
    look: Look


def measure(
    time_s: Seconds, until_s: Seconds, shown_s: Seconds, rgb: NDArray[np.uint8], before: MeasuredFrame | None
) -> MeasuredFrame:
    """Measure a frame (height, width, 3), RGB, that stands for `time_s` to `until_s` and began at `shown_s`.

    `before` is the frame before it, None if there is none that it followed.
    """
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    grey: NDArray[np.uint8] = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    edges = float((np.abs(cv2.Laplacian(grey, cv2.CV_16S)) > _EDGE).mean())
    moved: dict[Literal["motion", "pan", "zoom", "still"], float | None]
    moved = {"motion": None, "pan": None, "zoom": None, "still": None}
    if before is not None and before.grey.shape == grey.shape and shown_s > before.shown_s:
        moved |= _moved(before.grey, grey, shown_s - before.shown_s)
    look = Look(
        start_s=time_s,
        end_s=until_s,
        light=_short(grey.mean() / 255),
        contrast=_short(grey.std() / 255),
        saturation=_short(hsv[..., 1].mean() / 255),
        detail=_short(edges),
        plain=float(edges < _PLAIN),
        palette=_palette(hsv),
        **moved,
    )
    return MeasuredFrame(time_s, shown_s, grey, look)


def by_second(looks: Sequence[Look]) -> list[Look]:
    """Return the mean look of each second that has any."""
    return [_mean(list(those)) for _, those in groupby(looks, lambda look: int(look.start_s))]


def by_scene(looks: Sequence[Look], scenes: Iterable[Scene]) -> list[Look | None]:
    """Return the mean look of each scene, None for one that was not seen. `looks` are in the order of time."""
    starts = [look.start_s for look in looks]
    parts = (looks[bisect_left(starts, scene.start_s) : bisect_left(starts, scene.end_s)] for scene in scenes)
    return [_mean(part) if part else None for part in parts]


def _palette(hsv: NDArray[np.uint8]) -> list[float]:
    """Return the shares of `HUES` and `GREYS` in a frame (height, width, 3) of OpenCV's HSV."""
    hue, saturation, value = (hsv[..., channel] for channel in range(3))
    coloured = (saturation > _COLOURED) & (value > _LIT)
    hues = np.bincount((hue[coloured] * 2.0 + 22.5).astype(int) // 45 % len(HUES), minlength=len(HUES))
    greys = np.bincount(value[~coloured] // 64, minlength=len(GREYS))
    return [_short(share, 3) for share in np.concatenate([hues, greys]) / hue.size]


def _moved(
    before: NDArray[np.uint8], grey: NDArray[np.uint8], step_s: Seconds
) -> dict[Literal["motion", "pan", "zoom", "still"], float | None]:
    change = float(cv2.absdiff(before, grey).mean()) / 255
    if change > _CUT:
        return {"still": 0.0}
    if change < _STILL:
        return {"motion": _short(change), "pan": 0.0, "zoom": 0.0, "still": 1.0}
    flow = cv2.calcOpticalFlowFarneback(before, grey, None, 0.5, 2, 11, 2, 5, 1.1, 0)
    height, width = grey.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x - width / 2, y - height / 2
    weight = np.minimum(1, cv2.absdiff(grey, cv2.blur(grey, (3, 3))).astype(np.float32) / _TEXTURE)
    total = float(weight.sum()) + 1e-6
    across, down = (float((flow[..., axis] * weight).sum()) / total for axis in range(2))
    away = (((flow[..., 0] - across) * x + (flow[..., 1] - down) * y) * weight).sum()
    zoom = float(away / (((x * x + y * y) * weight).sum() + 1e-6))
    pan = float(np.hypot(across, down)) / width
    return {"motion": _short(change), "pan": _short(pan / step_s), "zoom": _short(zoom / step_s), "still": 0.0}


def _mean(looks: Sequence[Look]) -> Look:
    def mean(name: str) -> float:
        return _short(fmean(getattr(look, name) for look in looks))

    def known(name: str) -> list[float]:
        return [value for look in looks if (value := getattr(look, name)) is not None]

    motion, pan, zoom, still = (known(name) for name in ("motion", "pan", "zoom", "still"))
    return Look(
        start_s=looks[0].start_s,
        end_s=looks[-1].end_s,
        light=mean("light"),
        contrast=mean("contrast"),
        saturation=mean("saturation"),
        detail=mean("detail"),
        plain=mean("plain"),
        motion=_short(fmean(motion)) if motion else None,
        pan=_short(median(pan)) if pan else None,
        zoom=_short(median(zoom)) if zoom else None,
        still=_short(fmean(still)) if still else None,
        palette=[_short(fmean(shares), 3) for shares in zip(*(look.palette for look in looks), strict=True)],
    )


def _short(value: float, digits: int = 4) -> float:
    return round(float(value), digits)
