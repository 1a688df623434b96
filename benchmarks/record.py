"""Results of benchmarks, saved with the machine that they were measured on."""

import json
import os
import platform
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def record(name: str, figures: dict[str, Any]) -> None:
    """Print `figures`, and write them to `results/<name>.json`."""
    for figure, value in figures.items():
        print(f"{figure:<40} {value}")
    machine = {"cpus": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()}
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps({"figures": figures, "machine": machine}, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n", encoding="utf-8")
