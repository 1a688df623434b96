#!/usr/bin/env python3
"""CPU seconds and peak memory of a run on this machine, default stages, 10 minutes of 1080p: against an older version.

    git worktree add ../older <commit>
    python benchmarks/local_cpu.py --against ../older/src [--video FILE] [--turns 3] [--minutes 10] [--stages LIST]

Each run is a separate command with `--fresh`, with the older version and this one in turns. The system counts its CPU
time, threads included (ru_utime + ru_stime), and its peak memory (ru_maxrss). Not on Windows, which counts differently.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import NamedTuple

from memory import UNIT
from record import record

HERE = Path(__file__).parents[1]


class Cost(NamedTuple):
    """The cost of one run."""

    cpu_s: float
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, required=True, help="`src` of the older version")
    parser.add_argument("--video", type=Path, help="instead of footage that is made")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--stages", help="instead of the default ones")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--name", default="local_cpu", help="of the result file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        video = asked.video or made(Path(folder, "footage.mp4"), asked.minutes)
        turns = [
            [run(src, video, Path(folder, "out"), asked.stages) for src in (asked.against, HERE / "src")]
            for _ in range(asked.turns)
        ]
    older, this = zip(*turns, strict=True)
    ratio = median(new.cpu_s / old.cpu_s for old, new in turns)
    record(
        asked.name,
        {
            "older version (CPU s)": round(median(cost.cpu_s for cost in older), 1),
            "this version (CPU s)": round(median(cost.cpu_s for cost in this), 1),
            "this ÷ older": round(ratio, 3),
            "older version: peak (MB)": round(median(cost.peak_mb for cost in older)),
            "this version: peak (MB)": round(median(cost.peak_mb for cost in this)),
            "turns": asked.turns,
        },
    )


def made(path: Path, minutes: float) -> Path:
    """Make the video in another process: memory that this one once held would count for its children."""
    asked = f"Path({str(SAMPLE)!r}), Path({str(path)!r}), {minutes * 60:.0f}, sound=True"
    code = f"from footage import *; make_footage({asked})"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    return path


SAMPLE = HERE / "samples" / "sample.mp4"


def run(src: Path, video: Path, folder: Path, stages: str | None) -> Cost:
    options = ["--backend", "local", "--fresh", "--output-dir", str(folder)]
    options += [] if stages is None else ["--stages", stages]
    command = [sys.executable, "-m", "framefleet", "run", str(video), *options]
    environ = os.environ | {"PYTHONPATH": str(src.resolve())}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * UNIT / 1e6)


if __name__ == "__main__":
    main()
