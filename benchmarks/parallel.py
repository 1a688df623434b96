#!/usr/bin/env python3
"""Parallel against sequential on an emulated endpoint of 3 workers: time and dollars.

    python benchmarks/parallel.py [--seconds 574] [--turns 7]

A worker takes 0.2 s for 16 frames and 0.03 s for one. Two measures: `command` is `framefleet run` as a user starts it,
with decoding and the start of Python; `requests` is the same run on frames decoded and encoded before. Sequential is
one frame per request and one request at a time (`--sequential`), three turns; parallel is 16 frames per request and 5
requests at once. `bound` is what the workers alone need: sequential also loses the time between a job's end and the
next poll, once per frame, so its own bound is the stricter measure. Dollars are those of the documents.
"""

import argparse
import math
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

from msgspec.structs import replace

from clips import make_clip
from emulated import fleet_of, service
from framefleet.analysis import execute, prepare
from framefleet.config.endpoints import Fleet
from framefleet.config.options import Options
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.video.decode import decode_pictures
from framefleet.schema.codec import read_document
from framefleet.schema.cost import Cost
from record import record

WORKERS = 3
WAYS = {"sequential": {"max_workers": 1, "batch_size": 1}, "parallel": {"max_workers": 5, "batch_size": 16}}
BATCH_S, FRAME_S = 0.2, 0.03
SEQUENTIAL_TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=574)
    parser.add_argument("--turns", type=int, default=7)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, service(WORKERS) as environ:
        clip = make_clip(Path(folder, "clip.mp4"), args.seconds, sound=False)
        figures = {
            "pictures": args.seconds,
            **bounds(args.seconds),
            **compare("command", lambda way: by_command(clip, way, environ), args.turns, alone=args.seconds * FRAME_S),
            **compare("requests", by_requests(clip, fleet_of(environ)), args.turns, alone=args.seconds * FRAME_S),
            **dollars(clip),
        }
    record("parallel", figures)


def bounds(pictures: int) -> dict[str, Any]:
    alone, together = pictures * FRAME_S, math.ceil(math.ceil(pictures / 16) / WORKERS) * BATCH_S
    return {
        "bound: sequential (s)": round(alone, 2),
        "bound: parallel (s)": round(together, 2),
        "bound: ratio": round(alone / together, 2),
    }


def compare(name: str, timed: Any, turns: int, *, alone: float) -> dict[str, Any]:
    sequential = [timed("sequential") for _ in range(min(turns, SEQUENTIAL_TURNS))]
    parallel = [timed("parallel") for _ in range(turns)]
    return {
        f"{name}: sequential, median of {len(sequential)} (s)": round(median(sequential), 2),
        f"{name}: parallel, median of {len(parallel)} (s)": round(median(parallel), 2),
        f"{name}: ratio": round(median(sequential) / median(parallel), 2),
        f"{name}: ratio to the bound of sequential": round(alone / median(parallel), 2),
    }


def by_command(clip: Path, way: str, environ: dict[str, str]) -> float:
    """Return the wall time of the whole command in seconds."""
    options = ["--sequential"] if way == "sequential" else ["--stages=objects", "--max-workers=5", "--batch-size=16"]
    folder = f"--output-dir={clip.parent / way}"
    command = [sys.executable, "-m", "framefleet", "run", str(clip), folder, "--fresh", *options]
    began = perf_counter()
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return perf_counter() - began


def by_requests(clip: Path, fleet: Fleet) -> Any:
    """Return the same as `by_command` for a run in this process whose frames are already decoded and encoded."""
    common = Options(stages=("objects",), backend="runpod", fresh=True, output_dir=clip.parent / "requests")
    media = probe(clip)
    samples = plan_samples(media.duration_s, common.fps)
    pictures = list(decode_pictures(media, samples, max_side=1280, jpeg_quality=common.jpeg_quality, crop=None))

    def timed(way: str) -> float:
        prepared = prepare(clip, replace(common, **WAYS[way]), fleet)
        with patch(
            "framefleet.pipeline.executor.decode_orders", lambda *_, **__: ((0, picture) for picture in pictures)
        ):
            began = perf_counter()
            document = execute(prepared)
            took = perf_counter() - began
        assert all(entry.objects == [] for entry in document.detections)
        return took

    return timed


def dollars(clip: Path) -> dict[str, Any]:
    """Return the cost from the documents of the last runs by command."""
    cost = {way: read_document(clip.parent / way / "clip_results.json").cost for way in ("sequential", "parallel")}
    return {
        "dollars: parallel": bill(cost["parallel"]),
        "dollars: sequential, on the same workers": bill(cost["sequential"]),
        "dollars: sequential, on one worker": cost["parallel"].usd_sequential,
    }


def bill(cost: Cost) -> str:
    objects = cost.stages["objects"]
    return f"{objects.usd:.5f} for {objects.billed_s:.0f} s of {objects.workers} workers"


if __name__ == "__main__":
    main()
