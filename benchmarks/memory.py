#!/usr/bin/env python3
"""Peak memory of the whole command on 60 minutes of video against 30 minutes.

    python benchmarks/memory.py [--minutes 30 60] [--turns 1] [--only client|local]

The videos are generated: the sample's frames at 5 per second, its speech every two minutes and a hum between. Each run
is a separate process, at 1 frame per second; its peak is the system's count (ru_maxrss). `local`: everything on this
machine, with the models. `client`: against emulated endpoints in another process, so only the client.
Not on Windows, which counts differently.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from record import record

UNIT = 1 if sys.platform == "darwin" else 1024  # bytes per unit of ru_maxrss
WORKERS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, nargs=2, default=(30, 60), metavar=("SHORT", "LONG"))
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--only", choices=("client", "local"))
    parser.add_argument("--name", default="memory", help="of the result file")
    args = parser.parse_args()
    modes = [args.only] if args.only else ["client", "local"]
    with tempfile.TemporaryDirectory() as folder:
        clips = [make(Path(folder, f"{minutes}.mp4"), minutes * 60) for minutes in args.minutes]
        figures = {}
        for mode in modes:
            figures |= compare(mode, clips, args.minutes, args.turns)
    record(args.name, figures)


def make(path: Path, seconds: int) -> Path:
    """Make a video in another process: memory that this one once held would count for its children."""
    maker = multiprocessing.get_context("spawn").Process(target=_make, args=(path, seconds))
    maker.start()
    maker.join()
    return path


def _make(path: Path, seconds: int) -> None:
    from clips import make_clip

    make_clip(path, seconds)


def compare(mode: str, clips: list[Path], minutes: tuple[int, int], turns: int) -> dict[str, object]:
    peaks = [[run(mode, clip) / 1e6 for clip in clips] for _ in range(turns)]
    short, long = (median(column) for column in zip(*peaks, strict=True))
    return {
        f"{mode}: peak, {minutes[0]} minutes (MB)": round(short),
        f"{mode}: peak, {minutes[1]} minutes (MB)": round(long),
        f"{mode}: ratio": round(median(later / sooner for sooner, later in peaks), 3),
    }


def run(mode: str, clip: Path) -> int:
    """Return the peak memory of one run in bytes."""
    if mode == "local":
        return peak(["--backend", "local"], clip, dict(os.environ))
    from emulated import service

    with service(WORKERS) as environ:
        return peak(["--backend", "runpod", "--stages", "objects,speech"], clip, environ)


def peak(options: list[str], clip: Path, environ: dict[str, str]) -> int:
    command = [sys.executable, "-m", "framefleet", "run", str(clip), "--output-dir", str(clip.parent / "out"), *options]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_maxrss * UNIT


if __name__ == "__main__":
    main()
