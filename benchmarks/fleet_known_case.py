#!/usr/bin/env python3
"""The reference case: 574 frames, 0.2 s for 16 of them and 0.03 s for one, 3 workers; against the workers' own bound.

    python benchmarks/fleet_known_case.py [--turns 7]

The frames are already JPEG files, 150 kB each; journal on; the client's defaults (16 per request, 5 requests at once).
`sequential` is one frame per request and one request at a time, three turns; `alone` is its lower bound: 0.03 s and a
round trip (the request and one poll) per frame.
"""

import argparse
import math
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from fleet_client import NOISE, send
from fleet_service import emulating
from framefleet.config.endpoints import Fleet
from framefleet.fleet.backends.runpod.backend import RunPodBackend
from framefleet.protocol.envelope import JpegFrame, JpegFrames
from framefleet.protocol.yolo import YoloRequest
from record import record

PICTURES, JPEG_BYTES, WORKERS, BATCH, BATCH_S, FRAME_S = 574, 150_000, 3, 16, 0.2, 0.03
SEQUENTIAL_TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        there = Path(folder)
        parallel = [timed(there, max_workers=5, batch_size=BATCH) for _ in range(turns)]
        sequential = [timed(there, max_workers=1, batch_size=1) for _ in range(min(turns, SEQUENTIAL_TURNS))]
    bound = math.ceil(math.ceil(PICTURES / BATCH) / WORKERS) * BATCH_S
    trip = round_trip()
    alone = PICTURES * (FRAME_S + trip)
    record(
        "fleet_known_case",
        {
            "pictures": PICTURES,
            "bound (s)": bound,
            f"parallel, median of {len(parallel)} (s)": round(median(parallel), 3),
            "parallel, each (s)": [round(wall, 2) for wall in parallel],
            "parallel to the bound": round(median(parallel) / bound, 3),
            f"sequential, median of {len(sequential)} (s)": round(median(sequential), 2),
            "sequential to parallel": round(median(sequential) / median(parallel), 2),
            "round trip (ms)": round(1000 * trip, 2),
            "alone (s)": round(alone, 2),
            "alone to parallel": round(alone / median(parallel), 2),
        },
    )


def timed(folder: Path, *, max_workers: int, batch_size: int) -> float:
    with emulating(yolo={"workers": WORKERS, "batch_s": BATCH_S, "frame_s": FRAME_S}) as service:
        sent = send(
            service.fleet,
            folder,
            pictures=PICTURES,
            jpeg_bytes=JPEG_BYTES,
            max_workers=max_workers,
            batch_size=batch_size,
        )
    assert not sent.lost
    return sent.wall_s


def round_trip(times: int = 31) -> float:
    """Return the median seconds of sending one frame and polling its job once."""
    with emulating(yolo={"workers": WORKERS}) as service:
        return median(_trip(service.fleet) for _ in range(times))


def _trip(fleet: Fleet) -> float:
    frame = JpegFrame(0, 0.0, NOISE[:JPEG_BYTES])
    request = YoloRequest(source=JpegFrames([frame]), source_width=1920, source_height=1080)
    backend = RunPodBackend(fleet)
    backend.health("yolo")  # the connection is there
    began = perf_counter()
    backend.submit("yolo", request)
    backend.health("yolo")
    took = perf_counter() - began
    backend.close()
    return took


if __name__ == "__main__":
    main()
