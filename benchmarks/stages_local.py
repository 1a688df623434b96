"""All stages in one run on this machine, against the sum of one run per stage.

`python benchmarks/stages_local.py [--video FILE] [--turns 5]`. Each run is a separate command with `--fresh`; its time
is the document's `timing.wall_s`, loading of models included. Above 1 the stages would only slow each other down.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from framefleet.schema.codec import read_document
from framefleet.storage.folder import FolderResults
from record import record

STAGES = ("objects", "speech", "scenes", "sounds", "text")
SAMPLE = Path(__file__).parents[1] / "samples" / "sample.mp4"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--video", type=Path, default=SAMPLE)
    parser.add_argument("--turns", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        turns = [turn(asked.video, Path(folder)) for _ in range(asked.turns)]
    each = {stage: round(median(found[stage] for found in turns), 2) for stage in STAGES}
    together = median(found["all"] for found in turns)
    ratio = median(found["all"] / sum(found[stage] for stage in STAGES) for found in turns)
    figures = {f"{stage} alone (s)": wall for stage, wall in each.items()}
    figures |= {"all in one run (s)": round(together, 2), "all ÷ the sum of each": round(ratio, 3)}
    record("stages_local", figures | {"turns": asked.turns})


def turn(video: Path, folder: Path) -> dict[str, float]:
    found = {stage: wall(video, folder, stage) for stage in STAGES}
    return found | {"all": wall(video, folder, ",".join(STAGES))}


def wall(video: Path, folder: Path, stages: str) -> float:
    """Return the seconds of a run with these stages by its own count."""
    where = ["--output-dir", str(folder), "--backend", "local"]
    command = [sys.executable, "-m", "framefleet", "run", str(video), *where, "--stages", stages, "--fresh"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return read_document(FolderResults(folder).path(video.stem)).timing.wall_s


if __name__ == "__main__":
    main()
