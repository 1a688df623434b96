#!/usr/bin/env python3
"""Recall and precision of cuts, on films with known cuts, by several encoders, through the shared decode.

    python benchmarks/scenes.py [--shots 15] [--seeds 2] [--clips VIDEO…]

A film is a sequence of hard cuts between stills of the sample (and of `--clips`), 0.75 to 3 s each: static, or panned
at 25, 75 or 200 pixels per second of a frame 640 wide; and one with flashes, which are no cuts. A cut counts as found
within 0.2 s; others are false alarms. The error is reported with the file's keyframes and without them.
"""

import argparse
import random
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from clips import SAMPLE
from framefleet.config.options import Options
from framefleet.media.files.probe import probe
from framefleet.media.video.decode import decode_orders
from framefleet.stages.scenes.stage import ScenesStage
from record import record

WIDTH, HEIGHT, FPS = 640, 360, 25
SPEEDS = {"still": 0, "slow": 25, "panned": 75, "fast": 200}  # pixels a second
KINDS = (*SPEEDS, "flashes")
ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "x264": ("libx264", {"preset": "veryfast", "g": "250"}),
    "x264, fixed GOP": ("libx264", {"preset": "veryfast", "g": "48", "x264-params": "scenecut=0"}),
    "x265": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    "VP9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "240"}),
    "MPEG-4": ("mpeg4", {"g": "12", "bf": "2", "q": "5"}),
}
NEAR_S = 0.2

Photo = NDArray[np.uint8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    photos = [photo for clip in (SAMPLE, *args.clips) for photo in photographs(clip)]
    figures: dict[str, Any] = {"pictures": len(photos)}
    with tempfile.TemporaryDirectory() as folder:
        for encoder in ENCODERS:
            films = [(kind, seed) for kind in KINDS for seed in range(args.seeds)]
            scores = [score(photos, kind, seed, args.shots, encoder, Path(folder, "film.mkv")) for kind, seed in films]
            figures |= told(encoder, scores)
    record("scenes", figures)


def told(encoder: str, scores: Sequence[dict[str, Any]]) -> dict[str, Any]:
    of = {name: [value for each in scores for value in each[name]] for name in ("cuts", "false", "marked", "plain")}
    return {
        f"{encoder}: found of {len(of['cuts'])} cuts": len(of["marked"]),
        f"{encoder}: false": len(of["false"]),
        f"{encoder}: mean error (s)": round(mean(of["marked"]), 3),
        f"{encoder}: mean error without keyframes (s)": round(mean(of["plain"]), 3),
    }


def score(photos: Sequence[Photo], kind: str, seed: int, shots: int, encoder: str, path: Path) -> dict[str, Any]:
    cuts = write(path, film(photos, kind, random.Random(f"{kind} {seed}"), shots), *ENCODERS[encoder])
    marked, plain = (found(path, keyframes=keyframes) for keyframes in (True, False))
    return {
        "cuts": cuts,
        "false": [time for time in marked if min(abs(time - cut) for cut in cuts) > NEAR_S],
        "marked": errors(marked, cuts),
        "plain": errors(plain, cuts),
    }


def errors(found: Sequence[float], cuts: Sequence[float]) -> list[float]:
    """Return the error of each cut that was found."""
    nearest = [min((abs(time - cut) for time in found), default=NEAR_S + 1) for cut in cuts]
    return [error for error in nearest if error <= NEAR_S + 1e-6]


def found(path: Path, *, keyframes: bool) -> list[float]:
    """Return the cuts that the stage finds."""
    stage, media, options, marks = ScenesStage(), probe(path), Options(), []
    watcher = stage.watch(media, options, marks)
    tell = marks.append if keyframes else None
    for _, piece in decode_orders(media, [stage.order(media, options)], on_keyframe=tell):
        watcher.see(piece)
    return [scene.start_s for scene in watcher.finish()][1:]


def film(photos: Sequence[Photo], kind: str, rng: random.Random, shots: int) -> Iterator[tuple[bool, Photo]]:
    """Yield frames, and whether each is the first of a shot."""
    before = None
    for _ in range(shots):
        before = rng.choice([number for number in range(len(photos)) if number != before])
        frames = list(moved(photos[before], rng.randrange(19, 75), SPEEDS.get(kind, 25) / FPS, rng))
        if kind == "flashes":
            at = rng.randrange(8, len(frames) - 8)
            for number in range(at, at + rng.choice([1, 2, 4])):
                frames[number] = np.clip(frames[number].astype(int) + 160, 0, 255).astype(np.uint8)
        yield from ((number == 0, frame) for number, frame in enumerate(frames))


def moved(photo: Photo, count: int, step: float, rng: random.Random) -> Iterator[Photo]:
    """Yield moving crops of an image twice as large, which turns back at the edges."""
    place = np.array([rng.randrange(HEIGHT), rng.randrange(WIDTH)], dtype=float)
    way = np.array([rng.choice([-0.5, 0, 0.5]), rng.choice([-1, 1])]) * step
    for _ in range(count):
        way = np.where((place + way < 0) | (place + way > (HEIGHT, WIDTH)), -way, way)
        place = place + way
        top, left = place.astype(int)
        yield photo[top : top + HEIGHT, left : left + WIDTH]


def write(path: Path, frames: Iterator[tuple[bool, Photo]], codec: str, options: dict[str, str]) -> list[float]:
    """Encode the frames and return the times of the cuts."""
    cuts = []
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number, (first, picture) in enumerate(frames):
            if first and number:
                cuts.append(number / FPS)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        out.mux(stream.encode(None))
    return cuts


def photographs(clip: Path) -> list[Photo]:
    """Return different frames of `clip`, two seconds apart, twice as large as a film's."""
    kept: list[Photo] = []
    with av.open(str(clip)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number % 50 == 25:
                photo = frame.reformat(2 * WIDTH, 2 * HEIGHT, format="rgb24").to_ndarray()
                if all(np.abs(photo.astype(int) - other).mean() > 12 for other in kept):
                    kept.append(photo)
    return kept


if __name__ == "__main__":
    main()
