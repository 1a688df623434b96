#!/usr/bin/env python3
"""The embedded detector, through the whole pipeline, against another implementation of the same network.

    python benchmarks/bottle_reference.py bottle-detection.mp4 bottle_reference.json

The reference holds boxes of a confidence of at least 0.25, by OpenCV's Darknet reader on the original weights.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from boxes import Rows, found_again, overlaps
from framefleet.config.options import Options
from framefleet.fleet.backends.base import IN_PROCESS
from framefleet.media.files.probe import probe
from framefleet.media.types import Picture
from framefleet.media.video.decode import decode_pictures
from framefleet.protocol.envelope import to_input
from framefleet.stages.base import Answer
from framefleet.stages.objects.stage import ObjectsStage
from record import record


def detect(video: Path, options: Options) -> list[Rows]:
    """Return the boxes of every sampled frame: decoded, encoded as JPEG, through the stage's handler, merged."""
    stage, media = ObjectsStage(), probe(video)
    handler = stage.open_handler(options)
    answers = []
    for batch in stage.plan(media, options, IN_PROCESS):
        decoded = decode_pictures(media, batch.samples, max_side=None, jpeg_quality=options.jpeg_quality, crop=None)
        pictures = [picture for picture in decoded if isinstance(picture, Picture)]
        parcel = stage.pack(pictures, media, options, IN_PROCESS)
        reply = stage.parse(parcel.facts, handler({"input": to_input(parcel.request)}))
        answers.append(Answer(parcel.facts, reply))
    merged = stage.merge(media, options, answers)
    return [rows([(*o.box, o.confidence, o.class_id) for o in entry.objects or []]) for entry in merged]


def rows(objects: list[tuple[float, ...]]) -> Rows:
    return np.array(objects, np.float64).reshape(-1, 6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--model", help="another detector's .onnx file")
    args = parser.parse_args()
    reference = json.loads(args.reference.read_text())
    wanted = [rows([(*o["box"], o["confidence"], o["class_id"]) for o in f["objects"]]) for f in reference["frames"]]
    options = Options(fps=reference["fps"], conf=0.25, iou=reference["iou"], imgsz=416, yolo_model=args.model)
    found = detect(args.video, options)
    counts = {}
    for name, side, other in (("reference", wanted, found), ("ours", found, wanted)):
        pairs = [found_again(a, b, confidence=0.4, iou=0.8) for a, b in zip(side, other, strict=True)]
        there, again = (sum(column) for column in zip(*pairs, strict=True))
        counts[f"boxes of {name} from 0.4 on"] = there
        counts[f"found again at IoU 0.8, of {name} (%)"] = round(100 * again / there, 2)
    best = np.concatenate([overlaps(a, b).max(axis=1) for a, b in zip(wanted, found, strict=True) if len(a) and len(b)])
    record(
        "bottle_reference",
        {"pictures": len(found), **counts, "mean best IoU of all boxes": round(float(best.mean()), 4)},
    )


if __name__ == "__main__":
    main()
