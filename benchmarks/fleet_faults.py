#!/usr/bin/env python3
"""Every fault of the service, on 1,000 small requests: the document is the one of a run in which nothing went wrong.

    python benchmarks/fleet_faults.py [--seeds 3] [--seconds 200]

Every fault at once at 5 % each, by several seeds, and each alone at 30 %; two pictures a request, and the sound,
`--max-attempts 16`. The whole run but for decoding pictures, which is done once before. `twice` counts pictures and
clips that were looked at again, because an answer was lost or a worker did its work in vain.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from clips import make_clip
from fleet_impatient import SERVICE_SCALE, impatient, told
from fleet_service import Emulated, emulating
from framefleet.api import execute, prepare
from framefleet.config import Options
from framefleet.emulator.faults import Fault
from framefleet.media.decode import decode_pictures
from framefleet.media.probe import probe
from framefleet.media.sample import plan_samples
from framefleet.results.document import Document
from record import record

FPS, WORKERS, AT_ONCE, BATCH_S = 10, 8, 16, 0.05


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=200)
    args = parser.parse_args()
    kinds = {f"all at 5 %, seed {seed}": f"all=0.05,seed={seed}" for seed in range(1, args.seeds + 1)}
    kinds |= {f"{fault} at 30 %": f"{fault}=0.3,seed=7" for fault in Fault}
    with tempfile.TemporaryDirectory() as folder:
        clip = make_clip(Path(folder, "clip.mp4"), args.seconds, fps=FPS)
        run = Runs(clip)
        calm, figures = run.against("")
        figures = {"faultless": figures}
        for name, faults in kinds.items():
            document, figures[name] = run.against(faults)
            figures[name]["identical"] = told(document) == told(calm)
            print(name, figures[name], flush=True)
    record("fleet_faults", figures)
    sys.exit(not all(figure.get("identical", True) for figure in figures.values()))


class Runs:
    """The same run over and over, each against a service of its own."""

    def __init__(self, clip: Path) -> None:
        self._clip = clip
        samples = plan_samples(probe(clip).duration_s, FPS)
        self._pictures = list(decode_pictures(probe(clip), samples, max_side=1280, jpeg_quality=90, crop=None))

    def against(self, faults: str) -> tuple[Document, dict[str, Any]]:
        endpoint = {"workers": WORKERS, "checksums": True, "batch_s": BATCH_S, "faults": faults, "scale": SERVICE_SCALE}
        with (
            emulating(yolo=endpoint, whisper=endpoint) as service,
            tempfile.TemporaryDirectory() as folder,
            impatient(),
        ):
            began = perf_counter()
            document = self._run(service, Path(folder))
            took = perf_counter() - began
            there = [service.tell(kind=kind) for kind in ("yolo", "whisper")]
        return document, {
            "wall (s)": round(took, 1),
            "struck": sum(sum(each["struck"].values()) for each in there),
            "pictures and clips": sum(each["units"] for each in there),
            "twice": sum(each["unit_runs"] - each["units"] for each in there),
            "failures": len(document.failures),
        }

    def _run(self, service: Emulated, folder: Path) -> Document:
        options = Options(fps=FPS, batch_size=2, max_workers=AT_ONCE, max_attempts=16, output_dir=folder)
        prepared = prepare(self._clip, options, service.fleet)
        with patch("framefleet.pipeline.pumps.decode_pictures", lambda *_, **__: iter(self._pictures)):
            return execute(prepared)


if __name__ == "__main__":
    main()
