#!/usr/bin/env python3
"""The embedded detector against Ultralytics on the same ONNX file: frames per second, and whether the boxes agree.

    python benchmarks/detector.py VIDEO...
    python benchmarks/detector.py --shapes VIDEO...      the cost of the fetched detectors against the embedded one

Needs torch and Ultralytics. The same decoded frames, in batches of 16, the same letterbox (rectangular, stride 32),
both with as many threads as cores: Ultralytics parallelises every layer, FrameFleet the frames. They take turns by
batch, so that a busy machine slows both; the median of 7 rounds.

With --shapes, networks of the true shape with random weights (detector_networks.py; needs transformers too): CPU
seconds of one thread per frame, scaling included, as ratios to YOLOv3-tiny's at 416 on the same frames, in turns.
Suppression has nothing to do there: random scores stay below the confidence that is asked for.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import av
import numpy as np

from boxes import Rows, pair
from framefleet.models import YOLOV3_TINY
from framefleet.stages.objects.worker.engines.base import DetectionSettings, Pixels
from framefleet.stages.objects.worker.engines.onnx import OnnxEngine
from record import record

BATCH = 16
TURNS = 7
SHOWN = 4  # frames of each video for --shapes
SETTINGS = DetectionSettings(imgsz=416)
Side = Callable[[int], list[Rows]]
"""One detector's boxes of the n-th batch."""


def pictures(video: Path, count: int) -> list[Pixels]:
    """Return `count` frames at even intervals."""
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return [frames[round(place)] for place in np.linspace(0, len(frames) - 1, count)]


def batches(videos: list[Path], count: int) -> list[list[Pixels]]:
    """Return batches of frames of one size, because Ultralytics letterboxes mixed sizes to a square."""
    made = []
    for video in videos:
        shown = pictures(video, count // len(videos))
        made += [shown[start : start + BATCH] for start in range(0, len(shown), BATCH)]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+", type=Path)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--model", help="another detector's .onnx file, for ours alone")
    parser.add_argument("--name", default="detector", help="of the result file")
    parser.add_argument("--shapes", action="store_true")
    args = parser.parse_args()
    if args.shapes:
        record("detector_shapes", compare_shapes([frame for video in args.videos for frame in pictures(video, SHOWN)]))
        return
    rgb = batches(args.videos, args.pictures)
    bgr = [[np.ascontiguousarray(picture[..., ::-1]) for picture in batch] for batch in rgb]
    engine, yolo = OnnxEngine(args.model), load_ultralytics()

    def ours(number: int) -> list[Rows]:
        return [rows.astype(np.float64) for rows in engine.detect(rgb[number], SETTINGS)]

    def theirs(number: int) -> list[Rows]:
        return [result.boxes.data.numpy().astype(np.float64) for result in yolo(bgr[number])]

    found = [[rows for number in range(len(rgb)) for rows in side(number)] for side in (ours, theirs)]
    overlaps = [overlap for one, other in zip(*found, strict=True) for overlap in pair(one, other)]
    times = [turn(ours, theirs, len(rgb)) for _ in range(TURNS)]
    count = sum(len(batch) for batch in rgb)
    record(
        args.name,
        {
            "pictures": count,
            "ours (pictures/s)": round(count / median(own for own, _ in times), 1),
            "Ultralytics (pictures/s)": round(count / median(other for _, other in times), 1),
            "throughput ratio, median of 7 rounds": round(median(other / own for own, other in times), 3),
            "throughput ratio, least and most": [round(f(o / t for t, o in times), 3) for f in (min, max)],
            "boxes": [sum(len(rows) for rows in side) for side in found],
            "mean IoU, unmatched 0": round(float(np.mean(overlaps)), 4),
            "unmatched": sum(overlap == 0 for overlap in overlaps),
        },
    )


def compare_shapes(frames: list[Pixels]) -> dict[str, Any]:
    """CPU time per frame of YOLOv3-tiny, and the ratio of each other detector to it."""
    from detector_networks import PARAMETERS, write

    with TemporaryDirectory() as folder:
        engines = {"yolov3-tiny": OnnxEngine(threads=1)}
        engines |= {name: OnnxEngine(str(write(name, Path(folder))), threads=1) for name in PARAMETERS}
    settings = DetectionSettings(imgsz=416, conf=0.95)
    rounds = []
    for _ in range(TURNS + 1):
        spent = {}
        for name, engine in engines.items():
            began = process_time()
            engine.detect(frames, engine.settle(settings))
            spent[name] = (process_time() - began) / len(frames)
        rounds.append(spent)
    rounds = rounds[1:]  # the first allocates
    height, width = frames[0].shape[:2]
    ratios = {name: [spent[name] / spent["yolov3-tiny"] for spent in rounds] for name in PARAMETERS}
    return {
        "frames": f"{len(frames)} of {width} × {height}",
        "yolov3-tiny at 416 (CPU ms per frame)": round(1000 * median(spent["yolov3-tiny"] for spent in rounds), 1),
        **{f"{name}, ratio to that": round(median(found), 2) for name, found in ratios.items()},
        **{f"{name}, least and most": [round(f(found), 2) for f in (min, max)] for name, found in ratios.items()},
    }


def load_ultralytics() -> Callable[[list[Pixels]], Any]:
    from ultralytics import YOLO

    yolo = YOLO(str(YOLOV3_TINY), task="detect")
    return lambda batch: yolo.predict(
        batch, imgsz=SETTINGS.imgsz, conf=SETTINGS.conf, iou=SETTINGS.iou, batch=BATCH, device="cpu", verbose=False
    )


def turn(ours: Side, theirs: Side, count: int) -> tuple[float, float]:
    """Return the seconds of either side for all batches; they take turns by batch, and in who is first."""
    spent = {ours: 0.0, theirs: 0.0}
    for number in range(count):
        for side in (ours, theirs) if number % 2 else (theirs, ours):
            began = perf_counter()
            side(number)
            spent[side] += perf_counter() - began
    return spent[ours], spent[theirs]


if __name__ == "__main__":
    main()
