"""Makes `first.sqlite3`: the journal of a run over samples/sample.mp4 against an emulated service, all that it asked
answered and paid for. The file that is kept was made by the first version whose journals are out there:

    git worktree add /tmp/first f9202ae
    PYTHONPATH=/tmp/first/src:. python tests/journal/data/generate.py tests/journal/data/first.sqlite3
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from framefleet.analysis import execute, prepare
from framefleet.config.endpoints import Fleet, Secret
from framefleet.config.loading import make_options
from framefleet.emulator.app import make_endpoint
from framefleet.emulator.serve import serving

KEY = "rpa_TESTKEY0123456789"
STAGES = ("objects", "speech", "sounds", "text", "scenes", "tracks")
SAMPLE = Path(__file__).parents[3] / "samples" / "sample.mp4"
_WORKER = {"schema_version": "1", "model": "fake", "model_id": "f00d", "device": "cpu", "gpu": "NVIDIA L4"}


def sees(job: dict[str, Any]) -> dict[str, Any]:
    frames = job["input"]["source"]["frames"]
    cat = {"class_id": 15, "label": "cat", "confidence": 0.9, "box": [100.0, 50.0, 300.0, 250.0]}
    return _WORKER | {"frames": [_frame(frame) | {"objects": [cat]} for frame in frames]}


def reads(job: dict[str, Any]) -> dict[str, Any]:
    frames = job["input"]["source"]["frames"]
    line = {"text": "EXIT", "confidence": 0.9, "box": [10.0, 10.0, 90.0, 30.0]}
    return _WORKER | {"frames": [_frame(frame) | {"lines": [line]} for frame in frames]}


def _frame(frame: dict[str, Any]) -> dict[str, Any]:
    return {"index": frame["index"], "time_s": frame["time_s"], "error": None}


def transcribes(job: dict[str, Any]) -> dict[str, Any]:
    end_s = min(0.4, job["input"]["duration_s"])
    words = [{"start_s": 0.0, "end_s": end_s, "word": " Hello", "probability": 0.9}]
    said = {"start_s": 0.0, "end_s": end_s, "text": " Hello", "avg_logprob": -0.1, "no_speech_prob": 0.0}
    return _WORKER | {"language": "en", "language_probability": 1.0, "segments": [said | {"words": words}]}


def hears(job: dict[str, Any]) -> dict[str, Any]:
    heard = {"class_id": 0, "label": "Speech", "score": 0.9}
    whole = {"start_s": 0.0, "end_s": job["input"]["duration_s"], "classes": [heard]}
    return _WORKER | {"slice_s": 10.0, "hop_s": 10.0, "slices": [whole]}


HANDLERS = {"yolo": sees, "whisper": transcribes, "ast": hears, "ocr": reads}


def run(video: Path, output_dir: Path) -> tuple[Any, int]:
    """The document of a run over all stages, and how many jobs the emulated endpoints did for it."""
    endpoints = {f"{kind}-id": make_endpoint(handler, 2) for kind, handler in HANDLERS.items()}
    with serving(endpoints, KEY) as base_url:
        fleet = Fleet(endpoints={kind: f"{kind}-id" for kind in HANDLERS}, api_key=Secret(KEY), base_url=base_url)
        options = make_options({"stages": STAGES, "vad": False, "output_dir": output_dir})
        document = execute(prepare(video, options, fleet))
    return document, sum(len(endpoint.ledger.executions) for endpoint in endpoints.values())


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        document, jobs = run(SAMPLE, Path(folder))
        assert jobs and not document.failures, document.failures
        with closing(sqlite3.connect(Path(folder) / "framefleet-journal.sqlite3")) as db:
            target.unlink(missing_ok=True)
            db.execute("VACUUM INTO ?", (str(target),))
    print(f"{jobs} jobs, {target.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
