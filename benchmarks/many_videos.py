#!/usr/bin/env python3
"""Twelve short videos on emulated endpoints: several at the same time, against one after the other.

    python benchmarks/many_videos.py [--at-once 1,4] [--batch-s 5] [--engine threads] [--turns 1]

Workers, three per endpoint, take 5 s per request. Each way runs as the command in a process of its own, with a journal
of its own; CPU seconds are that process's.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from clips import make_clip
from fleet_service import emulating
from record import record

FLAGS = ["--stages", "objects,speech", "--no-vad", "--no-speakers"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", default="1,4")
    parser.add_argument("--batch-s", type=float, default=5.0)
    parser.add_argument("--engine", default="threads")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--videos", type=int, default=12)
    args = parser.parse_args()
    endpoint = {"workers": 3, "batch_s": args.batch_s}
    ways = [int(way) for way in args.at_once.split(",")]
    taken: dict[int, list[dict[str, float]]] = {way: [] for way in ways}
    with tempfile.TemporaryDirectory() as folder, emulating(yolo=endpoint, whisper=endpoint) as service:
        (films := Path(folder, "films")).mkdir()
        for number in range(args.videos):
            make_clip(films / f"{number:02}.mp4", 5 + number)  # each another: equal files share their answers
        for turn in range(args.turns):
            for way in ways:
                out = Path(folder, f"out-{way}-{turn}")
                taken[way].append(measured(films, out, way, args.engine, service.environ))
    figures: dict[str, Any] = {"videos": args.videos, "seconds per request": args.batch_s, "engine": args.engine}
    for way in ways:
        for what in ("wall_s", "cpu_s", "peak_mb"):
            figures[f"{way} at once, {what}"] = round(statistics.median(one[what] for one in taken[way]), 2)
    first = ways[0]
    for way in ways[1:]:
        for what, name in (("wall_s", "times as fast"), ("cpu_s", "times the CPU")):
            pairs = [(a[what], b[what]) for a, b in zip(taken[first], taken[way], strict=True)]
            ratios = [a / b if what == "wall_s" else b / a for a, b in pairs]
            figures[f"{way} at once, {name}"] = round(statistics.median(ratios), 2)
    record("many_videos" + ("" if args.engine == "threads" else f"_{args.engine}"), figures)


def measured(films: Path, out: Path, at_once: int, engine: str, environ: dict[str, str]) -> dict[str, float]:
    """Run the command, and return its wall and CPU seconds and peak memory in MB."""
    program = f"{sys.executable} -m framefleet run {films} -o {out} --videos {at_once} --engine {engine}".split()
    began = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*program, *FLAGS], env=environ, stdout=quiet, stderr=quiet)
    _, status, used = os.wait4(process.pid, 0)
    wall_s, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    rows = json.loads((out / "corpus.json").read_bytes())
    assert rows["done"] == len(rows["videos"])
    return {"wall_s": wall_s, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


if __name__ == "__main__":
    main()
