"""Videos in which known faces pass: a real photograph's face, pasted at places that the test knows.

The photograph is the one of an astronaut in the sample clip (NASA, in the public domain).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tests.conftest import ROOT
from tests.media.make import make_video

Picture = NDArray[np.uint8]
Box = tuple[float, float, float, float]

HEAD = (500, 90, 720, 330)
"""Head and neck in the sample's frame, in pixels …"""
FACE = (553, 141, 658, 276)
"""… and the face within it."""
SIZE = (640, 360)
FPS = 25


@cache
def head() -> Picture:
    """The head, RGB."""
    with av.open(str(ROOT / "samples" / "sample.mp4")) as container:
        frame = next(f for f in container.decode(video=0) if f.time is not None and f.time >= 1)
    x1, y1, x2, y2 = HEAD
    return frame.to_ndarray(format="rgb24")[y1:y2, x1:x2]


@dataclass(frozen=True)
class Passer:
    """A head of `high` pixels, whose middle is at `where(time)`, seen from `start_s` to `end_s`."""

    high: int
    where: Callable[[float], tuple[float, float]]
    start_s: float = 0.0
    end_s: float = 99.0
    mirrored: bool = False

    def seen(self, time_s: float) -> bool:
        return self.start_s <= time_s < self.end_s

    def corner(self, time_s: float) -> tuple[int, int]:
        x, y = self.where(time_s)
        return round(x - self.wide / 2), round(y - self.high / 2)

    @property
    def wide(self) -> int:
        return round(self.high * (HEAD[2] - HEAD[0]) / (HEAD[3] - HEAD[1]))

    def face(self, time_s: float) -> Box:
        """Where its face is, in the video's pixels, also outside of the frame."""
        gain = self.high / (HEAD[3] - HEAD[1])
        x1, y1, x2, y2 = ((at - HEAD[place % 2]) * gain for place, at in enumerate(FACE))
        if self.mirrored:
            x1, x2 = self.wide - x2, self.wide - x1
        x, y = self.corner(time_s)
        return x + x1, y + y1, x + x2, y + y2

    def paste(self, picture: Picture, time_s: float) -> None:
        small = cv2.resize(head(), (self.wide, self.high), interpolation=cv2.INTER_AREA)
        small = small[:, ::-1] if self.mirrored else small
        x, y = self.corner(time_s)
        x1, y1, x2, y2 = max(x, 0), max(y, 0), min(x + self.wide, SIZE[0]), min(y + self.high, SIZE[1])
        if x1 < x2 and y1 < y2:
            picture[y1:y2, x1:x2] = small[y1 - y : y2 - y, x1 - x : x2 - x]


def visible(box: Box) -> tuple[int, int, int, int]:
    """The part of the box that is in the frame, in whole pixels inside it."""
    x1, y1 = (max(0, int(np.ceil(low))) for low in box[:2])
    x2, y2 = (min(most, int(high)) for high, most in zip(box[2:], SIZE, strict=True))
    return x1, y1, max(x1, x2), max(y1, y2)


def share_visible(box: Box) -> float:
    x1, y1, x2, y2 = visible(box)
    return (x2 - x1) * (y2 - y1) / ((box[2] - box[0]) * (box[3] - box[1]))


PASSERS = (
    Passer(120, lambda t: (80 + 100 * t, 110)),  # walks by
    Passer(90, lambda t: (720 - 420 * t, 250), mirrored=True),  # runs by, against the others
    Passer(70, lambda t: (500, 90 + 30 * np.sin(9 * t)), start_s=0.68, end_s=1.72),  # nods, comes and goes at once
    Passer(150, lambda t: (220 + 90 * np.sin(4 * t), 180), start_s=2.0, mirrored=True),  # after a cut
    Passer(60, lambda t: (560 - 60 * t, 60 + 40 * t), start_s=2.0),
)


def seen_at(passers: Sequence[Passer], time_s: float, cut_s: float = 2.0) -> list[Passer]:
    """Those in the frame: before the cut, and after it."""
    return [one for one in passers if one.seen(time_s) and (one.start_s >= cut_s or time_s < cut_s)]


def passing(path: Path, passers: Sequence[Passer] = PASSERS, seconds: float = 4.0, **more: Any) -> Path:
    """A video at 25 frames a second of `passers` before two grainy walls, with a cut at 2 s."""
    rng = np.random.default_rng(7)
    walls = [np.full((SIZE[1], SIZE[0], 3), grey, np.int16) for grey in (140, 90)]
    pictures = []
    for number in range(round(seconds * FPS)):
        time_s = number / FPS
        grain = rng.integers(-12, 13, (SIZE[1] // 4, SIZE[0] // 4, 1)).repeat(4, 0).repeat(4, 1)
        picture = (walls[time_s >= 2.0] + grain).clip(0, 255).astype(np.uint8)
        for one in seen_at(passers, time_s):
            one.paste(picture, time_s)
        pictures.append(picture)
    times = [Fraction(number, FPS) for number in range(len(pictures))]
    return make_video(
        path, times=times, pictures=pictures, size=SIZE, options={"crf": "18"} | more.pop("options", {}), **more
    )
