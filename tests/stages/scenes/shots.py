"""Makes shots of things that were never there: coloured clouds, to pan over, flash at and fade between."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from framefleet.media.types import (
    Gap,
    MediaInfo,
    PictureTime,
    Sample,
)
from framefleet.media.video.request import Pixels
from framefleet.stages.scenes.spec import MAX_SIDE, RATE
from framefleet.stages.scenes.watcher import SceneWatcher

HEIGHT, WIDTH = 54, MAX_SIDE
Picture = NDArray[np.uint8]


@cache
def cloud(seed: int) -> NDArray[np.float64]:
    """A wide thing to look at: (HEIGHT, 4 × WIDTH, 3), its colours and shapes its seed's own, in 0…255."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(4 * WIDTH), np.arange(HEIGHT))
    waves = [
        sum(np.sin(a * x / 9 + b * y / 9 + c) for a, b, c in rng.uniform(-1, 1, (6, 3)) * (1, 1, 9)) for _ in range(3)
    ]
    return np.clip(np.stack(waves, 2) * 22 + rng.permutation([50, 120, 200]), 0, 255)


def look(seed: int, pan: float = 0.0, brighter: float = 0.0) -> Picture:
    """A picture of the seed's cloud from `pan` pixels on."""
    start = int(pan) % (3 * WIDTH)
    return np.clip(cloud(seed)[:, start : start + WIDTH] + brighter, 0, 255).astype(np.uint8)


def media_of(duration_s: float, fps: float = 25.0) -> MediaInfo:
    return MediaInfo(
        path=Path("v.mp4"), size_bytes=1, start=Fraction(0), duration_s=duration_s, width=640, height=360, rotation=0,
        fps=fps, codec="h264", frame_count=int(duration_s * fps), audio=None,
    )  # fmt: skip


def pieces(
    frames: Sequence[tuple[float, Picture]], duration_s: float, lost: Sequence[int] = ()
) -> Iterator[Pixels | Gap]:
    """What the decode gives of frames and their times: the one on screen at each sample; a gap for those lost."""
    shown, index = 0, 0
    while Fraction(index) / RATE < duration_s:
        sample = Sample(index, Fraction(index) / RATE)
        while shown + 1 < len(frames) and frames[shown + 1][0] <= sample.time_s + 1e-9:
            shown += 1
        time_s, picture = frames[shown]
        yield Gap(sample, "lost") if index in lost else Pixels(PictureTime(index, sample.time_s, time_s), picture)
        index += 1


def film(cuts: Sequence[float], times: Sequence[float], pan_per_s: float = 0.0) -> list[tuple[float, Picture]]:
    """Frames at these times of a new cloud after each cut."""
    edges = [float("-inf"), *cuts, float("inf")]
    shots = [(low, high, seed) for seed, (low, high) in enumerate(pairwise(edges))]
    return [
        (time, look(seed, time * pan_per_s)) for time in times for low, high, seed in shots if low <= time + 1e-9 < high
    ]


def watched(frames, duration_s, *, lost=(), fps=25.0, keyframes=()):
    """The scenes of frames."""
    watcher = SceneWatcher(media_of(duration_s, fps), keyframes)
    for piece in pieces(frames, duration_s, lost):
        watcher.see(piece)
    return watcher.finish()


def starts(scenes) -> list[float]:
    return [scene.start_s for scene in scenes][1:]
