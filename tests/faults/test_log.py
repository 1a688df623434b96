"""The log of a whole run in which everything goes wrong: all of that is in it, and no key, no word, no label."""

import itertools
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.cli import main
from framefleet.emulator.faults import Fault, Faults
from framefleet.emulator.make import make_endpoint
from framefleet.emulator.serve import Service
from framefleet.schema.codec import read_document
from tests.faults.world import API_KEY, WORKER, impatient

pytestmark = pytest.mark.full

LABEL, SPOKEN, WRITTEN, FAULT = "zebrafinch", "xylophonist", "QUIXOTRY", "mnemonicwords"

EMULATOR = "framefleet.emulator"  # which is no part of a run

Worker = Callable[[dict[str, Any]], dict[str, Any]]


def at_times(worker: Worker) -> Worker:
    """A worker that fails now and then, each time in another way, and has what it saw in whatever it says."""
    count, lock = itertools.count(), threading.Lock()

    def works(job: dict[str, Any]) -> dict[str, Any]:
        with lock:
            number = next(count)
        said = f"{LABEL} {SPOKEN} {WRITTEN} {FAULT}"
        if number % 10 == 3:
            raise ValueError(said)
        if number % 10 == 5:
            return {"error": f"invalid_answer: {said}"}
        if number % 10 == 7:
            return {said: said, "model": [said], "schema_version": said}
        return worker(job)

    return works


@at_times
def sees(job: dict[str, Any]) -> dict[str, Any]:
    found = {"class_id": 1, "label": LABEL, "confidence": 0.5, "box": [0.0, 0.0, 9.0, 9.0]}
    return WORKER | {
        "frames": [
            {"index": f["index"], "time_s": f["time_s"], "objects": [found], "error": None}
            for f in job["input"]["source"]["frames"]
        ]
    }


@at_times
def hears(job: dict[str, Any]) -> dict[str, Any]:
    end_s = min(1.0, job["input"]["duration_s"])
    said = {"start_s": 0.0, "end_s": end_s, "text": f" {SPOKEN}", "avg_logprob": -0.1, "no_speech_prob": 0.0}
    words = [{"start_s": 0.0, "end_s": end_s, "word": f" {SPOKEN}", "probability": 1.0}]
    return WORKER | {"language": "en", "language_probability": 1.0, "segments": [said | {"words": words}]}


@at_times
def reads(job: dict[str, Any]) -> dict[str, Any]:
    line = {"text": WRITTEN, "confidence": 0.9, "box": [0.0, 0.0, 90.0, 9.0], "quad": None}
    return WORKER | {
        "frames": [
            {"index": f["index"], "time_s": f["time_s"], "lines": [line], "error": None}
            for f in job["input"]["source"]["frames"]
        ]
    }


def test_all_that_went_wrong_is_in_it_and_nothing_of_what_the_video_shows_and_says(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    impatient(monkeypatch)
    caplog.set_level(logging.DEBUG)
    faults = Faults(dict.fromkeys(Fault, 0.05), seed=5)
    workers = {"yolo": sees, "whisper": hears, "ocr": reads}
    service = Service({f"{kind}-id": make_endpoint(work, 4, faults=faults) for kind, work in workers.items()}, API_KEY)
    service.start()
    monkeypatch.setenv("RUNPOD_API_KEY", API_KEY)
    monkeypatch.setenv("RUNPOD_ENDPOINT_BASE_URL", service.base_url)
    for kind in workers:
        monkeypatch.setenv(f"FRAMEFLEET_{kind.upper()}_ENDPOINT", f"{kind}-id")
    monkeypatch.setenv("FRAMEFLEET_STAGES", "objects,speech,text,scenes,tracks")
    asked = ["--fps", "10", "--batch-size", "2", "--max-attempts", "16"]
    try:
        with pytest.raises(SystemExit) as ended:
            main(["run", str(film), *asked, "--no-vad", "--max-workers", "auto", "--log", "run.log"])
    finally:
        service.close()
    assert ended.value.code in {0, 3}
    (document,) = (tmp_path / "output").glob("*_results.json")
    assert read_document(document).detections
    assert all(word in document.read_text() for word in (LABEL, SPOKEN, WRITTEN))  # it was there to be logged

    written = (tmp_path / "run.log").read_text()
    ours = [record for record in caplog.records if record.name.startswith("framefleet") and EMULATOR not in record.name]
    others = "\n".join(map(logging.Formatter().format, ours))  # as a handler writes it that is not of ours
    for log in (written, others):
        for secret in (API_KEY, LABEL, SPOKEN, WRITTEN, FAULT, "Bearer "):
            assert secret.lower() not in log.lower()
    for said in (
        "/yolo-id/run: 200 in ",  # each request
        "/yolo-id/status/",
        ": no response after ",
        "B sent, ",
        "failed, the next in ",  # each attempt again
        "JobFailedError (",
        "too many requests: waiting ",
        "requests at once, after ",  # the level
        "a paid request failed, ",  # what the breaker counts
        "Traceback (most recent call last):",
        "in send\n",
    ):
        assert said in written, said
