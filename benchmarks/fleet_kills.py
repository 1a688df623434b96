#!/usr/bin/env python3
"""The command is killed at 50 random moments and run again: nothing is lost, and little is repeated.

    python benchmarks/fleet_kills.py [--kills 50] [--seed 1]

SIGKILL (POSIX only) after a random number of answers. At each kill the journal is read: no frame with an answer in it
may be executed from then on. In total, executions are at most the frames and clips plus those in flight at the kills,
which the journal shows as claimed and not answered.
"""

import argparse
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from clips import make_clip
from fleet_impatient import told
from fleet_service import Emulated, emulating
from framefleet.journal.file import FILE_NAME
from framefleet.schema.codec import read_document
from framefleet.storage.folder import FolderResults
from record import record

FPS, BATCH, AT_ONCE = 10, 2, 8
FLAGS = [f"--fps={FPS}", f"--batch-size={BATCH}", f"--max-workers={AT_ONCE}", "--verbose"]
ENDPOINT = {"workers": 4, "checksums": True, "batch_s": 0.05}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=200)
    args = parser.parse_args()
    dice = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder, "clip.mp4"), args.seconds, fps=FPS)
        with emulating(yolo=ENDPOINT, whisper=ENDPOINT) as service:
            calm = Job(clip, Path(folder, "calm"), service).finished()
        with emulating(yolo=ENDPOINT, whisper=ENDPOINT) as service:
            job = Job(clip, Path(folder, "killed"), service)
            mean = args.seconds * FPS / BATCH / args.kills
            seen = [job.killed(dice.randrange(int(1.6 * mean) + 1)) for _ in range(args.kills)]
            killed = job.finished()
            there = [service.tell(kind=kind) for kind in ("yolo", "whisper")]
            executed = service.tell("times")
    again = sum(resent(executed[began:], answered) for began, answered, _ in seen)
    pictures, runs = sum(each["units"] for each in there), sum(each["unit_runs"] for each in there)
    in_flight = sum(jobs for *_, jobs in seen)
    figures = {
        "kills with work in flight": sum(1 for *_, jobs in seen if jobs),
        "answered at each kill": [len(answered) for _, answered, _ in seen],
        "pictures and clips": pictures,
        "executed": runs,
        "in flight at the kills": in_flight,
        "answered pictures executed again": again,
        "document identical": told(killed) == told(calm),
    }
    record("fleet_kills", figures)
    sys.exit(again > 0 or runs > pictures + in_flight or not figures["document identical"])


class Job:
    """A command, run until it completes."""

    def __init__(self, clip: Path, folder: Path, service: Emulated) -> None:
        self._command = [sys.executable, "-m", "framefleet", "run", str(clip), f"--output-dir={folder}", *FLAGS]
        self._clip, self._folder, self._service = clip, folder, service

    def killed(self, lines: int) -> tuple[int, set[float], int]:
        """Kill the command after this many lines of progress.

        Return the executions until then, the times of answered frames, and the number of units in flight.
        """
        process = subprocess.Popen(
            self._command, env=self._service.environ, text=True, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert process.stderr is not None
        for _ in range(lines):
            if not process.stderr.readline():
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
        answered, in_flight = self._journal()
        return len(self._service.tell("times")), answered, in_flight

    def finished(self) -> Any:
        subprocess.run(
            self._command, env=self._service.environ, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return read_document(FolderResults(self._folder).path(self._clip.stem))

    def _journal(self) -> tuple[set[float], int]:
        """Return the times of answered frames, and the number of work items that are claimed and not answered."""
        path = self._folder / FILE_NAME
        if not path.exists():
            return set(), 0
        db = sqlite3.connect(path)
        try:
            rows = [msgspec.json.decode(parts) for (parts,) in db.execute("SELECT parts FROM answers")]
            ((held,),) = db.execute("SELECT count(*) FROM carried WHERE key NOT IN (SELECT key FROM answers)")
        except sqlite3.OperationalError:  # killed before there were tables
            return set(), 0
        finally:
            db.close()
        return {fact["time_s"] for row in rows for fact, _ in row if "time_s" in fact}, held


def resent(executed: list[list[float | None]], answered: set[float]) -> int:
    """Return how many frames of these executions were answered before."""
    return sum(time in answered for times in executed for time in times)


if __name__ == "__main__":
    main()
