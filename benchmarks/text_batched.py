#!/usr/bin/env python3
"""Text recognition: a batch in one request against one by one, against plain RapidOCR, and the frames left out.

    python benchmarks/text_batched.py

Needs framefleet[text]. Frames of 1280 × 720 with four lines each, detection at 736. RapidOCR's own call, frame by
frame, uses all cores for every layer, at its own detection size and at 736. All take turns, so that a busy machine
slows all; the median of 7. Frames left out are counted on a minute of slides at 1 fps, encoded by x264: a slide lasts
about seven seconds, over a smooth moving shape.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

import av
import cv2
import numpy as np
import simplejpeg
from rapidocr import RapidOCR

from framefleet.media.types import Picture, PictureTime
from framefleet.stages.text.changed import ChangeFilter
from framefleet.stages.text.worker.engines import open_engine
from framefleet.worker.pictures import Pixels
from record import record

SIDE = 736
TURNS = 7
PAGES = [f"{kind} {number}, and some words" for number in range(9) for kind in ("Page", "Chapter", "Total", "Figure")]
Side = Callable[[], int]
"""Reads all pictures once; how many lines there were."""


def page(number: int, body_at: int | None = None) -> Pixels:
    """Return an image (720, 1280, 3) with four lines, and a smooth shape on the right."""
    picture = np.full((720, 1280, 3), (30, 40, 60), np.uint8)
    if body_at is not None:
        cv2.circle(picture, (1000, body_at), 120, (140, 110, 90), -1, cv2.LINE_AA)
    for line in range(4):
        text, at = PAGES[(4 * number + line) % len(PAGES)], (60, 120 + 150 * line)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7 + 0.3 * line, (240,) * 3, 2, cv2.LINE_AA)
    return picture


def talk(path: Path, seconds: int) -> list[bytes]:
    """Return a JPEG for each second of slides that were encoded as a video."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=5, options={"crf": "26", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        for number in range(5 * seconds):
            shown = page(number // 35, 360 + round(200 * np.sin(number / 9)))
            out.mux(stream.encode(av.VideoFrame.from_ndarray(shown, format="rgb24")))
        out.mux(stream.encode(None))
    with av.open(str(path)) as video:
        frames = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    return [simplejpeg.encode_jpeg(frame, quality=90) for frame in frames[::5]]


def left_out(seconds: int) -> dict[str, object]:
    """Return the share of such a talk that has to be read, and the cost of deciding it."""
    with tempfile.TemporaryDirectory() as folder:
        jpegs = talk(Path(folder) / "talk.mp4", seconds)
    shown = [Picture(PictureTime(n, float(n), float(n)), jpeg) for n, jpeg in enumerate(jpegs)]
    watching = ChangeFilter()
    began = perf_counter()
    read = sum(watching.see(picture) for picture in shown)
    spent = perf_counter() - began
    return {
        f"of {seconds} pictures of slides, read": read,
        "comparing a picture (ms)": round(1000 * spent / len(shown), 1),
    }


def sides(pictures: list[Pixels]) -> dict[str, Side]:
    engine = open_engine()
    params = {"Global.use_cls": False, "Global.log_level": "critical"}
    plain = RapidOCR(params=params)
    limited = RapidOCR(params=params | {"Det.limit_type": "max", "Det.limit_side_len": SIDE})
    bgr = [np.ascontiguousarray(picture[..., ::-1]) for picture in pictures]
    return {
        "batched": lambda: sum(map(len, engine.read(pictures, SIDE))),
        "one by one": lambda: sum(len(engine.read([picture], SIDE)[0]) for picture in pictures),
        "RapidOCR at 736": lambda: sum(len(limited(picture)) for picture in bgr),
        "RapidOCR": lambda: sum(len(plain(picture)) for picture in bgr),
    }


def timed(side: Side) -> float:
    began = perf_counter()
    side()
    return perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--turns", type=int, default=TURNS)
    args = parser.parse_args()
    readers = sides([page(number) for number in range(args.pictures)])
    lines = {name: side() for name, side in readers.items()}  # also a warm-up
    rounds = [{name: timed(side) for name, side in readers.items()} for _ in range(args.turns)]
    ratios = {name: [one[name] / one["batched"] for one in rounds] for name in readers if name != "batched"}
    record(
        "text_batched",
        {
            "pictures": args.pictures,
            "lines read": lines,
            "batched (s a picture)": round(median(one["batched"] for one in rounds) / args.pictures, 3),
            **{f"{name} ÷ batched, median": round(median(found), 2) for name, found in ratios.items()},
            "least and most": {n: [round(min(found), 2), round(max(found), 2)] for n, found in ratios.items()},
            **left_out(60),
        },
    )


if __name__ == "__main__":
    main()
