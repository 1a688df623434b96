"""Frames with boxes around centres."""

from collections.abc import Callable, Iterable

import numpy as np

from framefleet.tracking.join import Frame, join_again
from framefleet.tracking.motion import sight

WIDTH, HEIGHT = 1280, 720
Way = Callable[[float], tuple[float, float]]
Thing = tuple[tuple[float, float, float, float], float, int]
"""A box, its confidence and its class."""


def thing(x: float, y: float, *, confidence: float = 0.8, class_id: int = 0) -> Thing:
    return (x - 30, y - 40, x + 30, y + 40), confidence, class_id


def line(x: float, y: float, vx: float, vy: float) -> Way:
    return lambda t: (x + vx * t, y + vy * t)


def frame(time_s: float, things: Iterable[Thing]) -> Frame:
    there = list(things)
    boxes = np.array([box for box, _, _ in there], np.float64).reshape(-1, 4)
    kinds = np.array([kind for _, _, kind in there], np.int64)
    return Frame(time_s, sight(boxes, kinds, np.array([sure for _, sure, _ in there], np.float64), WIDTH, HEIGHT))


def film(ways: Iterable[Way], count: int, fps: float = 1) -> list[Frame]:
    """Things in the order of `ways` in every frame."""
    there = list(ways)
    return [frame(k / fps, [thing(*way(k / fps)) for way in there]) for k in range(count)]


def places(frames: list[Frame]) -> list[list[tuple[int, int]]]:
    """(frame, place in it) of each chain's boxes."""
    return [chain.boxes for chain in join_again(frames, WIDTH, HEIGHT)]
