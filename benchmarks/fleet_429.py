#!/usr/bin/env python3
"""A rate limit unknown to the client, below what it could send: how much of it is used, and that nothing is lost.

    python benchmarks/fleet_429.py [--turns 3]

The service responds 429 above a number of new jobs in a sliding window. Throughput counts from the answer that fills
the first window, which is open when the run starts, to the last one.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from fleet_client import send
from fleet_service import emulating
from framefleet.progress import Event, ItemDone
from record import record

LIMITS = {"20 in 2 s": (20, 2.0, 160), "40 in 2 s": (40, 2.0, 320), "60 in 10 s": (60, 10.0, 240)}
BATCH_S, WORKERS, AT_ONCE = 0.05, 20, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3)
    turns = parser.parse_args().turns
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, limit in LIMITS.items():
            used = [share(Path(folder), *limit) for _ in range(turns)]
            figures[f"{name}: share of the limit used, median of {turns}"] = round(median(used), 3)
            figures[f"{name}: each"] = [round(each, 3) for each in used]
    record("fleet_429", figures)


def share(folder: Path, runs: int, window_s: float, requests: int) -> float:
    """Return the used share of the limit, 1 at most."""
    answered: list[float] = []

    def listener(event: Event) -> None:
        if isinstance(event, ItemDone):
            answered.append(perf_counter())

    settings = {"workers": WORKERS, "batch_s": BATCH_S, "runs": runs, "window_s": window_s}
    with emulating(yolo=settings) as service:
        sent = send(
            service.fleet,
            folder,
            pictures=2 * requests,
            jpeg_bytes=2_000,
            batch_size=2,
            max_workers=AT_ONCE,
            listener=listener,
        )
        assert not sent.lost
        assert service.tell()["unit_runs"] == 2 * requests
    return (requests - runs) / (answered[-1] - answered[runs - 1]) / (runs / window_s)


if __name__ == "__main__":
    main()
