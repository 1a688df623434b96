#!/usr/bin/env python3
"""Recall and false alarms for fades and dissolves, on films with known transitions, encoded by x264.

    python benchmarks/scene_transitions.py [--shots 8] [--clips VIDEO…]

A film is a sequence of stills of the sample (and of `--clips`), 3 to 5 s each, static or panned at 25, 75 or 200 pixels
per second of a frame 640 wide, each turning into the next within 0.5 to 2 s: by a dissolve, through black, or through
white. A transition counts as found within 0.5 s; others are false alarms.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clips import SAMPLE
from framefleet.config.options import Options
from framefleet.media.files.probe import probe
from framefleet.media.video.decode import decode_orders
from framefleet.stages.scene import Scene
from framefleet.stages.scenes.stage import ScenesStage
from record import record
from scenes import ENCODERS, FPS, SPEEDS, Photo, moved, photographs, write

KINDS = {"dissolve": None, "fade": 0, "fade through white": 255}
NEAR_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=8)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    photos = [photo for clip in (SAMPLE, *args.clips) for photo in photographs(clip)]
    figures: dict[str, Any] = {"pictures": len(photos)}
    with tempfile.TemporaryDirectory() as folder:
        for kind, colour in KINDS.items():
            for speed in SPEEDS:
                frames, middles = film(photos, colour, SPEEDS[speed], args.shots, random.Random(f"{kind} {speed}"))
                path = Path(folder, "film.mkv")
                write(path, ((False, frame) for frame in frames), *ENCODERS["x264"])
                found = [scene for scene in scenes_of(path) if scene.transition is not None]
                hits = [m for m in middles if any(abs(scene.start_s - m) <= NEAR_S for scene in found)]
                false = [s for s in found if all(abs(s.start_s - m) > NEAR_S for m in middles)]
                figures[f"{kind}, {speed}: found of {len(middles)}; false"] = f"{len(hits)}; {len(false)}"
    record("scene_transitions", figures)


def scenes_of(path: Path) -> Sequence[Scene]:
    stage, media, options, marks = ScenesStage(), probe(path), Options(), []
    watcher = stage.watch(media, options, marks)
    for _, piece in decode_orders(media, [stage.order(media, options)], on_keyframe=marks.append):
        watcher.see(piece)
    return watcher.finish()


def film(
    photos: Sequence[Photo], colour: int | None, speed: float, shots: int, rng: random.Random
) -> tuple[Iterator[Photo], list[float]]:
    """Return the frames, and the midpoint of each transition."""
    frames: list[Photo] = []
    middles, before = [], None
    for _ in range(shots):
        before = rng.choice([number for number in range(len(photos)) if number != before])
        shot = list(moved(photos[before], rng.randrange(3 * FPS, 5 * FPS), speed / FPS, rng))
        long = round(rng.choice([0.5, 0.8, 1.0, 1.5, 2.0]) * FPS)
        if not frames:
            frames = shot
        elif colour is None:
            middles.append((len(frames) - long / 2) / FPS)
            both = zip(frames[-long:], shot, strict=False)
            frames[-long:] = [mixed(old, new, (n + 1) / (long + 1)) for n, (old, new) in enumerate(both)]
            frames += shot[long:]
        else:
            middles.append(len(frames) / FPS)
            plain = np.full_like(shot[0], colour)
            frames[-long:] = [mixed(old, plain, (n + 1) / long) for n, old in enumerate(frames[-long:])]
            frames += [mixed(plain, new, (n + 1) / long) for n, new in enumerate(shot[:long])] + shot[long:]
    return iter(frames), middles


def mixed(one: Photo, other: Photo, share: float) -> Photo:
    return np.clip(one.astype(np.float32) * (1 - share) + other * share, 0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
