"""Moving boxes with known truth, and simulated detections of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from framefleet.schema.objects import DetectedObject, Detection

Boxes = dict[int, tuple[float, float, float, float]]
"""The truth of one frame: pairs of object number and box."""

WIDTH, HEIGHT = 1280, 720
TICK_S = 0.04  # 25 per second


@dataclass(frozen=True)
class Scene:
    """A kind of scene: median `speed` in px/s; with `belt` all objects move in one direction, else across each other.

    With `alike` all boxes have one size, so that only motion distinguishes them.
    """

    speed: float
    things: int = 12
    belt: bool = False
    alike: bool = False
    misses: float = 0.08
    false_a_picture: float = 0.4
    jitter: float = 0.03
    seconds: float = 60.0
    seed: int = 1


def move(scene: Scene) -> list[Boxes]:
    """Return the truth at every tick: objects enter, wander and leave, and a new one replaces each that left."""
    rng = np.random.default_rng(scene.seed)
    born = 0
    alive: dict[int, NDArray[np.float64]] = {}  # x, y, vx, vy, w, h
    truth: list[Boxes] = []
    for tick in range(int(scene.seconds / TICK_S)):
        while len(alive) < scene.things:
            alive[born] = _enter(scene, rng, anywhere=tick == 0)
            born += 1
        for thing in alive.values():
            _wander(thing, rng)
        truth.append({number: box for number, thing in alive.items() if (box := _visible(thing)) is not None})
        alive = {number: thing for number, thing in alive.items() if _inside(thing)}
    return truth


def _enter(scene: Scene, rng: np.random.Generator, *, anywhere: bool) -> NDArray[np.float64]:
    speed = scene.speed * rng.lognormal(0, 0.3)
    width = 70.0 if scene.alike else rng.uniform(40, 110)
    height = width * (1.3 if scene.alike else rng.uniform(0.7, 2.0))
    angle = rng.normal(0, 0.05) if scene.belt else rng.uniform(0, 2 * np.pi)
    x, y = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT)
    if not anywhere and scene.speed > 0:
        far = np.array([x, y]) - 2000 * np.array([np.cos(angle), np.sin(angle)])
        x, y = (
            np.clip(far[0], 1 - width / 2, WIDTH + width / 2 - 1),
            np.clip(far[1], 1 - height / 2, HEIGHT + height / 2 - 1),
        )
        if scene.belt:
            y = rng.uniform(0, HEIGHT)
    return np.array([x, y, speed * np.cos(angle), speed * np.sin(angle), width, height])


def _wander(thing: NDArray[np.float64], rng: np.random.Generator) -> None:
    """Let direction drift by about 9 degrees per second, speed by 10 %, sides by 3 %."""
    turn, faster = rng.normal(0, 0.16) * TICK_S**0.5, np.exp(rng.normal(0, 0.1) * TICK_S**0.5)
    c, s = np.cos(turn) * faster, np.sin(turn) * faster
    thing[2], thing[3] = c * thing[2] - s * thing[3], s * thing[2] + c * thing[3]
    thing[:2] += thing[2:4] * TICK_S
    thing[4:] *= np.exp(rng.normal(0, 0.03, 2) * TICK_S**0.5)


def _visible(thing: NDArray[np.float64]) -> tuple[float, float, float, float] | None:
    """Return the part of the box in the frame if it is at least a quarter."""
    x, y, _, _, w, h = thing
    x1, y1, x2, y2 = max(0.0, x - w / 2), max(0.0, y - h / 2), min(WIDTH, x + w / 2), min(HEIGHT, y + h / 2)
    seen = max(0.0, x2 - x1) * max(0.0, y2 - y1)
    return (float(x1), float(y1), float(x2), float(y2)) if seen >= 0.25 * w * h else None


def _inside(thing: NDArray[np.float64]) -> bool:
    x, y, _, _, w, h = thing
    return -w / 2 < x < WIDTH + w / 2 and -h / 2 < y < HEIGHT + h / 2


def detect(truth: list[Boxes], fps: float, scene: Scene) -> tuple[list[Boxes], list[Detection]]:
    """Return the truth of the sampled frames, and detections with jitter, misses and false boxes."""
    rng = np.random.default_rng(scene.seed + 1000)
    step = round(1 / (fps * TICK_S))
    sampled = truth[::step]
    found = []
    for index, boxes in enumerate(sampled):
        objects = [_blurred(box, scene, rng) for box in boxes.values() if rng.random() >= scene.misses]
        objects += [_false(scene, rng) for _ in range(rng.poisson(scene.false_a_picture))]
        order = rng.permutation(len(objects))
        found.append(Detection(index, index / fps, index / fps, [objects[k] for k in order]))
    return sampled, found


def _blurred(box: tuple[float, ...], scene: Scene, rng: np.random.Generator) -> DetectedObject:
    x1, y1, x2, y2 = box
    noise = rng.normal(0, scene.jitter, 4) * ((x2 - x1), (y2 - y1), (x2 - x1), (y2 - y1))
    place = tuple(float(v) for v in np.array(box) + noise)
    return DetectedObject(
        0, "thing", float(np.clip(rng.normal(0.7, 0.15), 0.16, 0.99)), (place[0], place[1], place[2], place[3])
    )


def _false(scene: Scene, rng: np.random.Generator) -> DetectedObject:
    x, y, w = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), 70.0 if scene.alike else rng.uniform(40, 110)
    h = w * (1.3 if scene.alike else rng.uniform(0.7, 2.0))
    x, y = min(x, WIDTH - w), min(y, HEIGHT - h)
    return DetectedObject(0, "thing", float(rng.uniform(0.16, 0.5)), (x, y, x + w, y + h))
