#!/usr/bin/env python3
"""Tracking on generated videos with known truth: MOTA, IDF1 and ids kept, at 1, 5 and 25 frames per second.

    python benchmarks/tracking.py

The stage is compared with ByteTrack (package `trackers`), the same with a generalised overlap, and norfair by distance
(package `norfair-enough`), each if it is installed. 8 % of boxes are missed, 0.4 per frame are false; the best possible
MOTA is about 0.91.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from statistics import mean, median

import numpy as np

from framefleet.schema.objects import Detection
from framefleet.schema.tracks import TracksResult
from framefleet.stages.tracks.result import tracks_of
from record import record
from tracking_scores import score
from tracking_world import HEIGHT, WIDTH, Boxes, Scene, detect, move

Tracker = Callable[[list[Detection], float], list[Boxes]]

SECONDS = {1: 60.0, 5: 30.0, 25: 10.0}
SEEDS = (1, 2)
SCENES = {"mixed": {}, "alike": {"alike": True}, "alike on a belt": {"alike": True, "belt": True}}


def ours(found: list[Detection], _fps: float) -> list[Boxes]:
    pictures: list[Boxes] = [{} for _ in found]
    for track in tracks_of(found, WIDTH, HEIGHT).tracks:
        for box in track.boxes:
            pictures[box.index][track.id] = box.box
    return pictures


def bytetrack(found: list[Detection], fps: float, *, general: bool = False) -> list[Boxes]:
    """Run ByteTrack with its defaults, except that tracks start at 0.25 and at once, as in the stage."""
    import supervision
    from trackers import ByteTrackTracker
    from trackers.utils.iou import GIoU

    tuned = {"minimum_iou_threshold": -0.5, "iou": GIoU(), "frame_rate": 30.0} if general else {"frame_rate": fps}
    sure = {"track_activation_threshold": 0.25, "high_conf_det_threshold": 0.25, "minimum_consecutive_frames": 1}
    tracker = ByteTrackTracker(**tuned, **sure)
    pictures = []
    for boxes, confidence in _arrays(found):
        kinds = np.zeros(len(boxes), int)
        seen = supervision.Detections(xyxy=boxes, confidence=confidence, class_id=kinds)
        said = tracker.update(seen)
        named = zip(said.tracker_id, said.xyxy.tolist(), strict=True)
        pictures.append({int(number): tuple(box) for number, box in named if number >= 0})
    return pictures


def norfair(found: list[Detection], fps: float) -> list[Boxes]:
    """Run norfair by the distance of centres, up to 200 pixels."""
    from norfair import Detection as Seen
    from norfair import Tracker as Norfair

    def apart(new, old) -> float:  # type: ignore[no-untyped-def]
        return float(np.linalg.norm(new.points.mean(0) - old.estimate.mean(0)))

    tracker = Norfair(apart, distance_threshold=200, hit_counter_max=max(2, int(fps)), initialization_delay=0)
    pictures = []
    for boxes, confidence in _arrays(found):
        there = [tuple(map(float, box)) for box in boxes[confidence >= 0.25]]
        active = tracker.update([Seen(np.array(box).reshape(2, 2), data=box) for box in there])
        pictures.append({o.id: o.last_detection.data for o in active if o.last_detection.data in there})
    return pictures


def _arrays(found: list[Detection]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for detection in found:
        objects = detection.objects or []
        boxes = np.array([o.box for o in objects], np.float32).reshape(-1, 4)
        yield boxes, np.array([o.confidence for o in objects], np.float32)


def trackers_here() -> dict[str, Tracker]:
    chosen: dict[str, Tracker] = {"ours": ours}
    if find_spec("trackers"):
        chosen["ByteTrack"] = bytetrack
        chosen["ByteTrack GIoU > -0.5"] = lambda found, fps: bytetrack(found, fps, general=True)
    if find_spec("norfair"):
        chosen["norfair"] = norfair
    return chosen


@cache
def truth_of(scene: Scene) -> list[Boxes]:
    return move(scene)


def compare(name: str, speed: float, fps: int, trackers: dict[str, Tracker]) -> dict[str, str]:
    """Return the means over the seeds, as "MOTA / IDF1 / ids kept"."""
    said: dict[str, list[tuple[float, float, float]]] = {label: [] for label in trackers}
    for seed in SEEDS:
        scene = Scene(speed, things=20, seed=seed, **SCENES[name])
        truth = truth_of(scene)[: round(SECONDS[fps] * 25)]
        sampled, found = detect(truth, fps, scene)
        for label, tracker in trackers.items():
            result = score(sampled, tracker(found, fps))
            said[label].append((result.mota, result.idf1, result.kept))
    return {
        label: " / ".join(f"{mean(column):.2f}" for column in zip(*rows, strict=True)) for label, rows in said.items()
    }


def purity(speed: float, fps: int, *, certain: bool) -> str:
    """Return how many tracks of several boxes that are certain (or not) hold a single object."""
    pure = count = 0
    for seed in SEEDS:
        scene = Scene(speed, things=20, seed=seed, alike=True)
        sampled, found = detect(truth_of(scene), fps, scene)
        for things in _things(tracks_of(found, WIDTH, HEIGHT), sampled, certain):
            pure, count = pure + (len(things) == 1), count + 1
    return f"{pure} of {count}"


def _things(result: TracksResult, sampled: list[Boxes], certain: bool) -> Iterator[set[int]]:
    """Yield the true objects of each such track: for each box, the nearest one."""
    for track in result.tracks:
        if len(track.boxes) > 1 and track.certain is certain:
            yield {
                min(sampled[b.index], key=lambda n, b=b: np.abs(np.subtract(sampled[b.index][n], b.box)).sum())
                for b in track.boxes
            }


def many(pictures: int, things: int) -> str:
    """Return the seconds for about 70,000 boxes."""
    scene = Scene(40, things=things, seconds=pictures / 25, seed=3)
    _, found = detect(move(scene), 25, scene)
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        tracks_of(found, WIDTH, HEIGHT)
        taken.append(time.perf_counter() - start)
    return f"{median(taken):.1f} s for {sum(len(d.objects or ()) for d in found)} boxes"


def main() -> None:
    trackers = trackers_here()
    figures: dict[str, object] = {"each": "MOTA / IDF1 / ids kept; 20 things"}
    for name in SCENES:
        for fps in SECONDS if name == "mixed" else (1,):
            for speed in (10, 40, 120, 250):
                for label, text in compare(name, speed, fps, trackers).items():
                    figures[f"{name}, {fps} fps, {speed} px/s: {label}"] = text
    for speed in (40, 120, 250):
        for word, certain in (("certain", True), ("doubtful", False)):
            figures[f"alike, 1 fps, {speed} px/s: {word} tracks of one thing alone"] = purity(speed, 1, certain=certain)
    figures["3,500 pictures of 20"] = many(3500, 20)
    figures["580 pictures of 120"] = many(580, 120)
    record("tracking", figures)


if __name__ == "__main__":
    main()
