#!/usr/bin/env python3
"""Many short videos in one command, against other ways to analyze them, and what a video costs the client.

    python benchmarks/many_videos.py [--at-once 1,4] [--engine threads]   12 videos, several at once
    python benchmarks/many_videos.py --sequential                          50 videos, against --sequential
    python benchmarks/many_videos.py --against ../older/src                12 videos on this machine: an older version
    python benchmarks/many_videos.py --cost [--videos 1000]                videos of 30 s: CPU, memory, what limits

All but `--against` send to an emulated service in a process of its own, with three workers for each endpoint. Each way
runs as the command in a process of its own, with a journal of its own; CPU seconds are that process's. Ratios are the
median of those of `--turns`, each way once in every turn.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from clips import make_clip
from fleet_service import emulating
from memory import UNIT
from record import record

HERE = Path(__file__).parents[1]
WORKERS = 3
BATCH_S, FRAME_S = 0.2, 0.03  # of a worker for 16 frames, and for one
OLDER = ["--backend", "local", "--stages", "objects,speech,scenes"]
MODELS = ["--whisper-model", "tiny.en", "--yolo-model", "yolov3-tiny"]  # the only ones of the older version


class Used(NamedTuple):
    """What a command has used, seconds and MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--at-once", default="1,4")
    parser.add_argument("--batch-s", type=float, default=5.0, help="with --at-once: seconds of a worker per request")
    parser.add_argument("--engine", default="threads")
    parser.add_argument("--sequential", action="store_true")
    parser.add_argument("--against", type=Path, help="`src` of the older version")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--videos", type=int)
    parser.add_argument("--turns", type=int, default=1)
    asked = parser.parse_args()
    measure = cost if asked.cost else by_older if asked.against else by_sequential if asked.sequential else by_number
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), asked)


def by_number(folder: Path, asked: argparse.Namespace) -> None:
    """Compare numbers of videos at once, on workers that take a while per request."""
    videos, ways = asked.videos or 12, [int(way) for way in asked.at_once.split(",")]
    films = made(folder, [5 + number for number in range(videos)])
    flags = ["--stages", "objects,speech", "--no-vad", "--no-speakers", "--engine", asked.engine]
    endpoint = {"workers": WORKERS, "batch_s": asked.batch_s, "frame_s": asked.batch_s}
    with emulating(yolo=endpoint, whisper=endpoint) as service:
        commands = {f"{way} at once": ([*flags, "--videos", str(way)], service.environ) for way in ways}
        figures = compared(films, folder, commands, asked.turns)
    figures = {"videos": videos, "seconds per request": asked.batch_s, "engine": asked.engine, **figures}
    record("many_videos" + ("" if asked.engine == "threads" else f"_{asked.engine}"), figures)


def by_sequential(folder: Path, asked: argparse.Namespace) -> None:
    """Compare one frame per request, one request and one video at a time, with what the command does by itself."""
    videos = asked.videos or 50
    films = made(folder, [20 + number % 21 for number in range(videos)], sound=False)
    with emulating(yolo={"workers": WORKERS, "batch_s": BATCH_S, "frame_s": FRAME_S}) as service:
        commands = {
            "sequential": (["--sequential", "--videos", "1"], service.environ),
            "parallel": (["--stages", "objects"], service.environ),
        }
        figures = compared(films, folder, commands, asked.turns)
    record("many_videos_sequential", {"videos": videos, "frames": sum(20 + n % 21 for n in range(videos)), **figures})


def by_older(folder: Path, asked: argparse.Namespace) -> None:
    """Compare an older version with this one, on this machine, with the same models and stages."""
    videos = asked.videos or 12
    films = made(folder, [5 + number for number in range(videos)])
    commands = {
        "older version": (OLDER, os.environ | {"PYTHONPATH": str(asked.against.resolve())}),
        "this version": ([*OLDER, *MODELS], os.environ | {"PYTHONPATH": str(HERE / "src")}),
    }
    figures = compared(films, folder, commands, asked.turns)
    record("many_videos_local", {"videos": videos, **figures})


def cost(folder: Path, asked: argparse.Namespace) -> None:
    """Measure what a video of 30 s costs the client, and what workers and rate would have allowed."""
    videos = asked.videos or 200
    films = made(folder, [30] * videos)
    endpoint = {"workers": WORKERS, "batch_s": BATCH_S, "frame_s": BATCH_S}
    with emulating(yolo=endpoint, whisper=endpoint) as service:
        flags = ["--stages", "objects,speech,scenes", "--no-speakers"]
        used = run(films, folder / "out", flags, service.environ)
        requests = {kind: service.tell("sums", kind)["executions"] for kind in ("yolo", "whisper")}
        service_s = service.tell("sums")["cpu_s"]
    record(
        "many_videos_cost",
        {
            "videos": videos,
            "seconds": round(used.wall_s, 1),
            "client: CPU s per video": round(used.cpu_s / videos, 3),
            "client: cores used": round(used.cpu_s / used.wall_s, 2),
            "emulated service: cores used": round(service_s / used.wall_s, 2),
            "workers of yolo: share of the time": round(requests["yolo"] * BATCH_S / WORKERS / used.wall_s, 2),
            "workers of whisper: share of the time": round(requests["whisper"] * BATCH_S / WORKERS / used.wall_s, 2),
            "requests per second": round(sum(requests.values()) / used.wall_s, 1),
            "client: peak (MB)": round(used.peak_mb),
        },
    )


def made(folder: Path, lengths_s: Sequence[int], *, sound: bool = True) -> Path:
    """Make a video of each length, all different: equal files share their answers. Return their folder."""
    (films := folder / "films").mkdir()
    clips: dict[int, bytes] = {}
    for number, length_s in enumerate(lengths_s):
        path = films / f"{number:04}.mp4"
        if length_s not in clips:
            clips[length_s] = make_clip(path, length_s, sound=sound).read_bytes()
        box = number.to_bytes(8, "big")
        path.write_bytes(clips[length_s] + (8 + len(box)).to_bytes(4, "big") + b"free" + box)
    return films


def compared(
    films: Path, folder: Path, commands: dict[str, tuple[list[str], dict[str, str]]], turns: int
) -> dict[str, Any]:
    """Return what each command has used, and the ratios of the others to the first."""
    used: dict[str, list[Used]] = {name: [] for name in commands}
    for turn in range(turns):
        for number, (name, (flags, environ)) in enumerate(commands.items()):
            used[name].append(run(films, folder / f"out-{number}-{turn}", flags, environ))
    figures: dict[str, Any] = {
        f"{name}, {what}": round(statistics.median(getattr(one, what) for one in taken), 2)
        for name, taken in used.items()
        for what in Used._fields
    }
    first, *others = commands
    ratios: dict[str, Callable[[Used, Used], float]] = {
        "times as fast": lambda a, b: a.wall_s / b.wall_s,
        "times the CPU": lambda a, b: b.cpu_s / a.cpu_s,
    }
    for name in others:
        for what, ratio in ratios.items():
            pairs = zip(used[first], used[name], strict=True)
            figures[f"{name}, {what}"] = round(statistics.median(ratio(*pair) for pair in pairs), 2)
    return figures | {"turns": turns}


def run(films: Path, out: Path, flags: list[str], environ: dict[str, str]) -> Used:
    """Run the command, and return what it has used."""
    videos = [str(film) for film in sorted(films.iterdir())]
    began, quiet = time.perf_counter(), subprocess.DEVNULL
    program = [sys.executable, "-m", "framefleet", "run", *videos, "--output-dir", str(out), *flags]
    process = subprocess.Popen(program, env=environ, stdout=quiet, stderr=quiet)
    _, status, usage = os.wait4(process.pid, 0)
    wall_s, process.returncode = time.perf_counter() - began, os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    results = [json.loads(path.read_bytes()) for path in out.glob("*_results.json")]
    assert len(results) == len(videos) and not any(result.get("failures") for result in results)
    return Used(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * UNIT / 1e6)


if __name__ == "__main__":
    main()
