#!/usr/bin/env python3
"""All stages in one run on emulated endpoints, against a bare decode of the same frames and sound, and against one run
per stage in sequence. Also the cost of scenes in addition to objects.

    python benchmarks/pipeline.py [--seconds 574] [--turns 5] [--video KEPT.mp4]

The video is 1080p25 H.264 with speech. Every endpoint has 3 workers that take 0.2 s per request, whatever is in it.
`bare decode` is the minimum for any client: the frames that all stages need, as JPEG or small pixels, and the sound as
Opus, made on all cores and discarded. The emulated service runs on the same cores, so with two of them everything
other than decoding shows; CPU seconds of the client are reported too, and the same two with one decoder instead of one
per core, so that a core is left for the rest. Times of runs are those of the documents; each turn does everything, and
ratios are within a turn.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from statistics import median
from time import perf_counter
from unittest.mock import patch

from emulated import fleet_of, service
from footage import make_footage
from framefleet.analysis import execute, prepare
from framefleet.config.loading import load_options
from framefleet.media.audio.clips import decode_clips
from framefleet.media.files.probe import probe
from framefleet.media.sampling import plan_samples
from framefleet.media.video.decode import decode_orders
from framefleet.media.video.request import FrameRequest, JpegView
from framefleet.pipeline.plan import plan_run
from framefleet.schema.codec import read_document
from framefleet.storage.folder import FolderResults
from record import record

SAMPLE = Path(__file__).parents[1] / "samples" / "sample.mp4"
STAGES = ("objects", "speech", "scenes", "sounds", "text")
ALL = ",".join(STAGES)
RUNS = (*STAGES, "objects,scenes", ALL)
WORKERS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=574)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--video", type=Path, help="make the video here and keep it; used as it is if it exists")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, service(WORKERS, "flat") as environ:
        video = args.video or Path(folder, "footage.mp4")
        if not video.exists():
            make_footage(SAMPLE, video, args.seconds, sound=True)
        turns = []
        for number in range(args.turns):
            turns.append({stages: run(video, Path(folder), stages, environ) for stages in RUNS})
            turns[-1]["bare"] = bare(video, environ)
            turns[-1]["all, one decoder"] = with_one_decoder(video, Path(folder), environ)
            turns[-1]["bare, one decoder"] = bare(video, environ, threads=1)
            print(number, {name: f"{s:.2f} (CPU {cpu:.2f})" for name, (s, cpu) in turns[-1].items()}, flush=True)
    record("pipeline", figures(turns))


def figures(turns: list[dict[str, tuple[float, float]]]) -> dict[str, object]:
    found: dict[str, object] = {"turns": len(turns)}
    for place, unit in enumerate(("s", "CPU s")):
        for name in turns[0]:
            told = name.replace(ALL, "all in one run").replace("bare", "bare decode")
            found[f"{told} ({unit})"] = round(median(turn[name][place] for turn in turns), 2)
    walls = [{name: wall for name, (wall, _) in turn.items()} for turn in turns]
    ratios = {
        "all ÷ bare decode": [wall[ALL] / wall["bare"] for wall in walls],
        "all ÷ bare decode, one decoder": [wall["all, one decoder"] / wall["bare, one decoder"] for wall in walls],
        "stage after stage ÷ all": [sum(wall[stage] for stage in STAGES) / wall[ALL] for wall in walls],
        "objects and scenes ÷ objects": [wall["objects,scenes"] / wall["objects"] for wall in walls],
    }
    return found | {name: round(median(values), 3) for name, values in ratios.items()}


def run(video: Path, folder: Path, stages: str, environ: dict[str, str]) -> tuple[float, float]:
    """Return the seconds of a run with these stages by its own count, and CPU seconds of the whole command."""
    command = [sys.executable, "-m", "framefleet", "run", str(video), "--output-dir", str(folder)]
    began = _children_s()
    subprocess.run([*command, "--stages", stages, "--fresh"], env=environ, check=True, capture_output=True)
    return read_document(FolderResults(folder).path(video.stem)).timing.wall_s, _children_s() - began


def with_one_decoder(video: Path, folder: Path, environ: dict[str, str]) -> tuple[float, float]:
    """Return the same as `run` with all stages, in this process, with one decoder."""
    options = load_options({"stages": ALL, "output_dir": str(folder / "one"), "fresh": True}, environ={})
    cpu = sum(os.times()[:2])
    with patch("framefleet.pipeline.executor.decoding_threads", lambda *_: 1):
        document = execute(prepare(video, options, fleet_of(environ)))
    return document.timing.wall_s, sum(os.times()[:2]) - cpu


def bare(video: Path, environ: dict[str, str], threads: int | None = None) -> tuple[float, float]:
    """Return the same for decoding, scaling and encoding alone, in this process."""
    options, media = load_options({"stages": ALL}, environ={}), probe(video)
    plan = plan_run(media, options, fleet_of(environ))
    pictures = JpegView(1280, options.jpeg_quality)
    orders = [FrameRequest(plan_samples(media.duration_s, options.fps), pictures)] * 2 + [
        w.order for w in plan.watching
    ]
    chunks = next(stage.items for stage in plan.fleet if stage.stage.name == "speech")
    began, cpu = perf_counter(), sum(os.times()[:2])
    sound = threading.Thread(target=lambda: list(decode_clips(media, chunks, format="opus")))
    sound.start()
    for _ in decode_orders(media, orders, threads=threads):
        pass
    sound.join()
    return perf_counter() - began, sum(os.times()[:2]) - cpu


def _children_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
