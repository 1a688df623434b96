"""A small fleet whose answers depend on what is in each picture, and documents to hold against each other."""

from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import simplejpeg

from framefleet.analysis import Prepared, execute, prepare
from framefleet.config.endpoints import Fleet, Secret
from framefleet.config.loading import make_options
from framefleet.emulator.make import make_endpoint
from framefleet.emulator.serve import Service
from framefleet.fleet.execution.retry import RetryPolicy
from framefleet.progress import Listener, silent
from framefleet.schema.document import Document
from tests.media.make import number_of

API_KEY = "rpa_TESTKEY0123456789"
WORKER = {"schema_version": "1", "model": "fake", "model_id": "f00d", "device": "cpu", "gpu": "NVIDIA L4"}
PICTURES = 200  # 100 requests of two


def reads_numbers(job: dict[str, Any]) -> dict[str, Any]:
    """A yolo worker that finds the number that each picture carries, as the class of a box."""
    frames = []
    for frame in msgspec.convert(job["input"]["source"]["frames"], list[_Frame]):
        number = number_of(simplejpeg.decode_jpeg(frame.jpeg))
        found = {"class_id": number, "label": "number", "confidence": 0.5, "box": [0.0, 0.0, 9.0, 1.0]}
        frames.append({"index": frame.index, "time_s": frame.time_s, "objects": [found], "error": None})
    return WORKER | {"frames": frames}


class _Frame(msgspec.Struct):
    index: int
    time_s: float
    jpeg: bytes


def hears_a_length(job: dict[str, Any]) -> dict[str, Any]:
    """A whisper worker that says how long the sound is."""
    length = job["input"]["duration_s"]
    words = [{"start_s": 0.0, "end_s": length, "word": f" {length:.2f}", "probability": 1.0}]
    said = {"start_s": 0.0, "end_s": length, "text": f" {length:.2f}", "avg_logprob": -0.1, "no_speech_prob": 0.0}
    return WORKER | {"language": "en", "language_probability": 1.0, "segments": [said | {"words": words}]}


class World:
    """An emulated service with a yolo and a whisper endpoint; `run` is the whole job against it."""

    def __init__(self, folder: Path, film: Path, *, workers: int = 4, **settings: Any) -> None:
        self.folder = folder
        self.film = film
        endpoints = {
            "yolo-id": make_endpoint(reads_numbers, workers, **settings),
            "whisper-id": make_endpoint(hears_a_length, workers, **settings),
        }
        self.service = Service(endpoints, API_KEY)
        self.service.start()

    @property
    def fleet(self) -> Fleet:
        ids = {"yolo": "yolo-id", "whisper": "whisper-id"}
        return Fleet(endpoints=ids, api_key=Secret(API_KEY), base_url=self.service.base_url)

    def prepare(self, **options: Any) -> Prepared:
        given: dict[str, Any] = {"stages": ("objects", "speech"), "vad": False}
        given |= {"fps": 10, "batch_size": 2, "max_workers": 8, "max_attempts": 16, "output_dir": self.folder}
        return prepare(self.film, make_options(given | options), self.fleet)

    def run(self, listener: Listener = silent, **options: Any) -> Document:
        return execute(self.prepare(**options), listener)

    def executions(self) -> int:
        """Pictures and clips that the workers really looked at, repetitions counted."""
        return sum(endpoint.ledger.unit_runs for endpoint in self.service.endpoints.values())

    def most_often(self) -> int:
        """How often the picture that was looked at most often was looked at."""
        return max(max(e.ledger.per_unit().values(), default=0) for e in self.service.endpoints.values())

    def close(self) -> None:
        self.service.close()


def told(document: Document) -> dict[str, Any]:
    """All of a document that must not depend on what went wrong on the way."""
    built: dict[str, Any] = msgspec.to_builtins(document)
    for name in ("cost", "timing", "provenance"):
        del built[name]
    del built["config"]
    return built


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits between attempts: a test has no hour."""
    quick = partial(RetryPolicy, first_wait_s=0.01, longest_wait_s=0.1)
    monkeypatch.setattr("framefleet.pipeline.assembly.RetryPolicy", quick)
    monkeypatch.setattr("framefleet.pipeline.run.RetryPolicy", quick)
    monkeypatch.setattr("framefleet.fleet.execution.concurrency.FIRST_HOLD_S", 0.002)
    monkeypatch.setattr("framefleet.fleet.execution.concurrency.LONGEST_HOLD_S", 0.02)
    monkeypatch.setattr("framefleet.fleet.backends.runpod.backend.FRESH_S", 0.3)
    monkeypatch.setattr("framefleet.fleet.backends.runpod.backend.STUCK_S", 0.2)
    monkeypatch.setattr("framefleet.fleet.execution.stall.LOOK_S", 0.1)
    monkeypatch.setattr("framefleet.emulator.limits.FRESH_S", 0.1)
    monkeypatch.setattr("framefleet.fleet.backends.runpod.backend.LONGEST_S", 0.05)
    monkeypatch.setattr("framefleet.journal.owner.LEASE_S", 1.0)
    monkeypatch.setattr("framefleet.journal.owner.BEAT_S", 0.2)
    monkeypatch.setattr("framefleet.journal.store.BEAT_S", 0.2)
