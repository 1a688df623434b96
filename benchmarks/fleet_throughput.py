#!/usr/bin/env python3
"""The cost of the client itself: CPU per request of 4 MB, throughput and memory.

    python benchmarks/fleet_throughput.py [--turns 7]

CPU is this process's (base64, JSON, sending, polling, parsing, the journal; frames are already JPEG files) over 100
requests to an endpoint of 3 workers and 0.2 s. Then 1,000 requests of 3 MB to one that answers at once, three turns:
resident memory after a fifth of the answers and after the last (Linux), and requests per second with the emulated
service on the same cores, whose share of them is stated too.
"""

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from fleet_client import send
from fleet_service import emulating
from framefleet.progress import Event, ItemDone
from record import record

BATCH, WORKERS = 16, 3
FEW, MANY = 100, 1000
LONG_TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    turns = parser.parse_args().turns
    with tempfile.TemporaryDirectory() as folder:
        many = [stream(Path(folder)) for _ in range(min(turns, LONG_TURNS))]
        few = [cpu_ms(Path(folder)) for _ in range(turns)]
    figures = {name: [turn[name] for turn in many] for name in many[0]}
    record(
        "fleet_throughput",
        {
            f"own CPU a 4 MB request, median of {turns} (ms)": round(median(few), 1),
            "own CPU a 4 MB request, each (ms)": [round(each, 1) for each in few],
            f"requests of 3 MB a second, median of {len(many)}": round(median(figures["a second"]), 1),
            "own CPU a 3 MB request (ms)": round(median(figures["own ms"]), 1),
            "the service's CPU a 3 MB request (ms)": round(median(figures["service ms"]), 1),
            "CPU cores in use by both": round(median(figures["cores"]), 2),
            "RSS after 200 answers, each turn (MB)": figures["early"],
            "RSS after 1,000 answers, each turn (MB)": figures["late"],
        },
    )


def cpu_ms(folder: Path) -> float:
    with emulating(yolo={"workers": WORKERS, "batch_s": 0.2}) as service:
        sent = send(service.fleet, folder, pictures=FEW * BATCH, jpeg_bytes=_jpeg_bytes(4_000_000), batch_size=BATCH)
    assert not sent.lost
    return 1000 * sent.cpu_s / sent.batches


def stream(folder: Path) -> dict[str, Any]:
    seen = Memory()
    with emulating(yolo={"workers": WORKERS}) as service:
        before = service.tell()["cpu_s"]
        sent = send(
            service.fleet,
            folder,
            pictures=MANY * BATCH,
            jpeg_bytes=_jpeg_bytes(3_000_000),
            batch_size=BATCH,
            listener=seen,
        )
        service_s = service.tell()["cpu_s"] - before
    assert not sent.lost
    return {
        "a second": sent.batches / sent.wall_s,
        "own ms": 1000 * sent.cpu_s / sent.batches,
        "service ms": 1000 * service_s / sent.batches,
        "cores": (sent.cpu_s + service_s) / sent.wall_s,
        "early": seen.early,
        "late": seen.late,
    }


class Memory:
    """A listener that measures this process's memory, in MB, after a fifth and at the end of the answers."""

    def __init__(self) -> None:
        self.early = self.late = self._done = 0

    def __call__(self, event: Event) -> None:
        self._done += isinstance(event, ItemDone)
        if self._done == MANY // 5:
            self.early = self.early or resident_mb()
        if self._done == MANY:
            self.late = resident_mb()


def resident_mb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGESIZE") / 1e6)


def _jpeg_bytes(request_bytes: int) -> int:
    """Return the bytes of each frame of a request: base64 makes four bytes of three."""
    return request_bytes * 3 // 4 // BATCH


if __name__ == "__main__":
    main()
