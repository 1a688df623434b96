#!/usr/bin/env python3
"""A run of ten videos is killed at random moments and run again: nothing is lost, and nothing answered is asked again.

    python benchmarks/many_kills.py [--kills 20] [--seed 1] [--journal]

SIGKILL (POSIX only) after a random number of answers, with 4 videos at the same time. With `--journal`, each video has
a journal in a shared folder, and each kill also loses the disk of the host: its output folder is removed. Executions
are at most the frames plus those claimed at the kills for jobs without an id in the journal yet, and the
documents are those of a calm run.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from clips import make_clip
from fleet_impatient import told
from fleet_service import Emulated, emulating
from framefleet.journal.file import FILE_NAME
from framefleet.schema.codec import read_document
from record import record

AT_ONCE, BATCH, MOST_SENT = 4, 2, 8
ENDPOINT = {"workers": 4, "checksums": True, "batch_s": 0.05}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--videos", type=int, default=10)
    parser.add_argument("--journal", action="store_true")
    args = parser.parse_args()
    dice = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as folder:
        (films := Path(folder, "films")).mkdir()
        for number in range(args.videos):
            make_clip(films / f"{number}.mp4", 20 + number, sound=False)
        with emulating(yolo=ENDPOINT) as service:
            assert Corpus(films, Path(folder, "calm"), service).run() == 0
        with emulating(yolo=ENDPOINT) as service:
            shared = Path(folder, "journals") if args.journal else None
            corpus = Corpus(films, Path(folder, "killed"), service, shared)
            frames = sum(20 + number for number in range(args.videos))
            mean = frames / BATCH / args.kills
            killed = on_their_way = 0
            for _ in range(args.kills):
                killed += corpus.run(until=dice.randrange(1, int(1.6 * mean) + 1)) != 0
                on_their_way += MOST_SENT * BATCH if args.journal else corpus.without_id()
                if args.journal:
                    shutil.rmtree(corpus.out, ignore_errors=True)
            assert corpus.run() == 0
            runs = service.tell(kind="yolo")["unit_runs"]
        same = all(
            told(read_document(corpus.out / f"{n}_results.json"))
            == told(read_document(Path(folder, "calm") / f"{n}_results.json"))
            for n in range(args.videos)
        )
        rows = json.loads((corpus.out / "corpus.json").read_bytes())
    figures = {
        "videos, frames": f"{args.videos}, {frames}",
        "kills": killed,
        "frames executed": runs,
        "of those, more than once": runs - frames,
        "claimed at the kills, for jobs without an id yet" + ", at most" * args.journal: on_their_way,
        "documents identical": same,
        "rows done": rows["done"],
    }
    record("many_kills" + "_shared" * args.journal, figures)
    sys.exit(runs - frames > on_their_way or not same or rows["done"] != args.videos)


class Corpus:
    """The command on a folder of videos."""

    def __init__(self, films: Path, out: Path, service: Emulated, shared: Path | None = None) -> None:
        self.out = out
        self._environ = service.environ
        command = f"{sys.executable} -m framefleet run {films} -o {out} --stages objects --videos {AT_ONCE} --verbose"
        self._command = [*command.split(), f"--batch-size={BATCH}", f"--max-workers={MOST_SENT}"]
        self._command += [f"--journal={shared}"] if shared else []

    def run(self, until: int | None = None) -> int:
        """Run it, kill it after `until` answers, and return its exit code."""
        with subprocess.Popen(
            self._command, env=self._environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            answers = 0
            for line in process.stderr:
                answers += "Batch " in line
                if until is not None and answers >= until:
                    os.kill(process.pid, signal.SIGKILL)
                    until = None
        return process.returncode

    def without_id(self) -> int:
        """Return how many frames the journal has as claimed for a request whose job is not known."""
        query = "SELECT count(*) FROM carried JOIN submissions ON id = submission WHERE job_id IS NULL"
        if not (journal := self.out / FILE_NAME).exists():
            return 0
        with closing(sqlite3.connect(journal)) as db:
            (count,) = db.execute(query).fetchone()
            return int(count)


if __name__ == "__main__":
    main()
