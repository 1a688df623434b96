#!/usr/bin/env python3
"""Every fault of the service, on 1,000 small requests: the document equals that of a run without faults.

    python benchmarks/fleet_faults.py [--seeds 3] [--seconds 200]

All faults together at 5 % each, with several seeds, and each alone at 30 %; two frames per request, and the sound,
`--max-attempts 16`. `twice` counts frames and clips that were processed again, because an answer was lost or a worker
worked in vain.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from clips import make_clip
from fleet_impatient import SERVICE_SCALE, impatient, told
from fleet_service import emulating
from framefleet.analysis import execute, prepare
from framefleet.config.options import Options
from framefleet.emulator.faults import Fault
from framefleet.schema.document import Document
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
        calm, figures = against(clip, "")
        figures = {"faultless": figures}
        for name, faults in kinds.items():
            document, figures[name] = against(clip, faults)
            figures[name]["identical"] = told(document) == told(calm)
            print(name, figures[name], flush=True)
    record("fleet_faults", figures)
    sys.exit(not all(figure.get("identical", True) for figure in figures.values()))


def against(clip: Path, faults: str) -> tuple[Document, dict[str, Any]]:
    """Return the document of a run against its own service, and what happened."""
    endpoint = {"workers": WORKERS, "checksums": True, "batch_s": BATCH_S, "faults": faults, "scale": SERVICE_SCALE}
    with emulating(yolo=endpoint, whisper=endpoint) as service, tempfile.TemporaryDirectory() as folder, impatient():
        options = Options(fps=FPS, batch_size=2, max_workers=AT_ONCE, max_attempts=16, output_dir=Path(folder))
        began = perf_counter()
        document = execute(prepare(clip, options, service.fleet))
        took = perf_counter() - began
        there = [service.tell(kind=kind) for kind in ("yolo", "whisper")]
    return document, {
        "wall (s)": round(took, 1),
        "struck": sum(sum(each["struck"].values()) for each in there),
        "pictures and clips": sum(each["units"] for each in there),
        "twice": sum(each["unit_runs"] - each["units"] for each in there),
        "failures": len(document.failures),
    }


if __name__ == "__main__":
    main()
