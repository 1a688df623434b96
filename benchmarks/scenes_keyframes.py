#!/usr/bin/env python3
"""Recall of cuts among keyframes alone: the films of `scenes.py`, and the same with shots of 3 to 20 s.

    python benchmarks/scenes_keyframes.py [--shots 12] [--clips VIDEO…]

Keyframes only show between which two of them a cut is. So steps from each keyframe to the next are counted: of those
with a cut, how many are reported; of those without, how many are reported falsely, separately for films with flashes.
The error is from a step's last cut to the keyframe at which it is reported. `--clips` without a cut are counted too.
"""

import argparse
import random
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean
from typing import Any

from clips import SAMPLE
from framefleet.config.options import Options
from framefleet.media.files.probe import probe
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import Pixels
from framefleet.stages.scenes.stage import ScenesStage
from record import record
from scenes import ENCODERS, FPS, KINDS, SPEEDS, Photo, film, moved, photographs, write

LONG = (75, 500)  # frames of a shot
TEN_SECONDS: dict[str, tuple[str, dict[str, str]]] = {
    "x264": ENCODERS["x264"],
    "x264, fixed GOP": ("libx264", {"preset": "veryfast", "g": "250", "x264-params": "scenecut=0"}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=12)
    parser.add_argument("--clips", type=Path, nargs="*", default=[])
    args = parser.parse_args()
    photos = [photo for clip in (SAMPLE, *args.clips) for photo in photographs(clip)]
    figures: dict[str, Any] = {"pictures": len(photos)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "film.mkv")
        for encoder, how in ENCODERS.items():
            told = [scored(path, film(photos, kind, random.Random(kind), args.shots), *how) for kind in KINDS]
            figures |= in_words(f"{encoder}, short shots", told[:-1]) | in_words(f"{encoder}, flashes", told[-1:])
        for encoder, how in TEN_SECONDS.items():
            told = [scored(path, long_film(photos, kind, args.shots), *how) for kind in SPEEDS]
            figures |= in_words(f"{encoder}, long shots", told)
    figures |= in_words("clips without a cut", [steps(clip, []) for clip in args.clips])
    record("scenes_keyframes", figures)


def in_words(name: str, films: Sequence[list[tuple[float | None, bool]]]) -> dict[str, Any]:
    all_steps = [step for each in films for step in each]
    cut = [(late, told) for late, told in all_steps if late is not None]
    return {
        f"{name}: told of {len(cut)} steps with a cut": sum(told for _, told in cut),
        f"{name}: told of {len(all_steps) - len(cut)} without": sum(t for late, t in all_steps if late is None and t),
        f"{name}: mean error (s)": round(mean([late for late, told in cut if told] or [0.0]), 3),
    }


def scored(path: Path, frames: Iterator[tuple[bool, Photo]], codec: str, options: dict[str, str]) -> Any:
    return steps(path, write(path, frames, codec, options))


def steps(path: Path, cuts: Sequence[float]) -> list[tuple[float | None, bool]]:
    """Return the time from each step's last cut to its end (None: no cut), and whether the step is reported."""
    stage, media, options, marks = ScenesStage(), probe(path), Options(sampling="keyframes"), []
    watcher, shown = stage.watch(media, options, marks), []
    order = stage.order(media, options)
    for _, piece in decode_orders(media, [order], sampling=options.sampling, on_keyframe=marks.append):
        watcher.see(piece)
        shown += [piece.at.pts_s] if isinstance(piece, Pixels) else []
    told = {scene.start_s for scene in watcher.finish()}
    return [(late(cuts, one, other), other in told) for one, other in pairwise(sorted(set(shown)))]


def late(cuts: Sequence[float], after_s: float, by_s: float) -> float | None:
    place = bisect_right(cuts, by_s + 0.001) - 1
    return round(by_s - cuts[place], 3) if place >= 0 and cuts[place] > after_s + 0.001 else None


def long_film(photos: Sequence[Photo], kind: str, shots: int) -> Iterator[tuple[bool, Photo]]:
    rng, before = random.Random(f"long {kind}"), None
    for _ in range(shots):
        before = rng.choice([number for number in range(len(photos)) if number != before])
        frames = moved(photos[before], rng.randrange(*LONG), SPEEDS[kind] / FPS, rng)
        yield from ((number == 0, frame) for number, frame in enumerate(frames))


if __name__ == "__main__":
    main()
