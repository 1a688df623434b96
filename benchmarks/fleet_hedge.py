#!/usr/bin/env python3
"""Two of twenty workers are ten times slower: the wall time that `--hedge` saves, and its additional cost.

    python benchmarks/fleet_hedge.py [--turns 7]

400 requests of 0.2 s, 40 at once. Three variants in turns: no slow worker, slow ones, slow ones and `--hedge`.
Executions and billed time are counted by the service, for each worker from its start to the run's end; the client's
count ends when each worker has been idle for 5 s.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from fleet_client import Sent, send
from fleet_service import emulating
from record import record

REQUESTS, BATCH, BATCH_S, WORKERS, AT_ONCE = 400, 16, 0.2, 20, 40
SLOW = "slow_workers=2,slow_factor=10"
WAYS: dict[str, tuple[str, bool]] = {
    "none slow": ("", False),
    "two slow": (SLOW, False),
    "two slow, --hedge": (SLOW, True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    turns = parser.parse_args().turns
    seen: dict[str, list[tuple[Sent, Any]]] = {name: [] for name in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(turns):
            for name, (faults, hedge) in WAYS.items():
                seen[name].append(one(Path(folder), faults, hedge))
    figures: dict[str, Any] = {"bound, none slow (s)": REQUESTS / WORKERS * BATCH_S}
    for name, turn in seen.items():
        figures |= {
            f"{name}: wall, median of {turns} (s)": round(median(sent.wall_s for sent, _ in turn), 2),
            f"{name}: sent a second time": median(sent.hedged for sent, _ in turn),
            f"{name}: executions": median(there["executions"] for _, there in turn),
            f"{name}: billed by the client's count (s)": round(median(sent.billed_s for sent, _ in turn), 1),
            f"{name}: billed by the service (s)": median(there["billed_s"] for _, there in turn),
        }
    walls = {name: median(sent.wall_s for sent, _ in turn) for name, turn in seen.items()}
    for name in list(WAYS)[1:]:
        figures[f"{name}: to none slow"] = round(walls[name] / walls["none slow"], 3)
    record("fleet_hedge", figures)


def one(folder: Path, faults: str, hedge: bool) -> tuple[Sent, Any]:
    with emulating(yolo={"workers": WORKERS, "batch_s": BATCH_S, "faults": faults}) as service:
        sent = send(
            service.fleet,
            folder,
            pictures=REQUESTS * BATCH,
            jpeg_bytes=2_000,
            batch_size=BATCH,
            max_workers=AT_ONCE,
            hedge=hedge,
        )
        assert not sent.lost
        return sent, service.tell()


if __name__ == "__main__":
    main()
