"""The command line in this process, with workers that need no model."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from framefleet.cli import main
from framefleet.schema.codec import json_schema, read_document
from framefleet.schema.document import Document
from tests.conftest import API_KEY
from tests.media.make import make_video

PERSON = {"class_id": 0, "label": "person", "confidence": 0.9, "box": [1.0, 2.0, 30.0, 40.0]}
WORKER = {"schema_version": "1", "model": "fake", "model_id": "f00d", "device": "cpu", "gpu": None}


@dataclass(frozen=True)
class Told:
    """What a command ended with and said."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The error of standard error, its hint behind it, or else the one line there; not which video is read."""
        what, *hint = (line for line in self.err.splitlines() if not line.startswith("reading "))
        assert all(line.startswith("hint: ") for line in hint) and len(hint) <= what.startswith("error: "), self.err
        return "; ".join([what, *(line.removeprefix("hint: ") for line in hint)])


def sees_a_person(job: dict[str, Any]) -> dict[str, Any]:
    """A yolo worker that finds the same person in every picture."""
    frames = job["input"]["source"]["frames"]
    found = [{"index": f["index"], "time_s": f["time_s"], "objects": [PERSON], "error": None} for f in frames]
    return WORKER | {"frames": found}


def hears_hello(job: dict[str, Any]) -> dict[str, Any]:
    """A whisper worker that hears one word at the beginning of every stretch."""
    end_s = min(0.4, job["input"]["duration_s"])
    words = [{"start_s": 0.0, "end_s": end_s, "word": " Hello", "probability": 0.9}]
    segment = {"start_s": 0.0, "end_s": end_s, "text": " Hello", "avg_logprob": -0.1, "no_speech_prob": 0.0}
    return WORKER | {"language": "en", "language_probability": 1.0, "segments": [segment | {"words": words}]}


@pytest.fixture(autouse=True)
def objects_and_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """What most commands here are about; others ask for more."""
    monkeypatch.setenv("FRAMEFLEET_STAGES", "objects,speech")
    monkeypatch.setenv("FRAMEFLEET_VAD", "false")  # generated sound is no speech, and is to be sent all the same


@pytest.fixture
def cli(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, tmp_path: Path) -> Callable[..., Told]:
    """`cli("run", video, "--fps", 2)`: what the command line says; whatever it does, it never says the key."""
    caplog.set_level(logging.DEBUG)

    def run(*arguments: object) -> Told:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        written = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*.json") if p.is_file())
        for said in (out, err, caplog.text, written):
            assert API_KEY not in said
        assert "Traceback" not in err
        assert not list(tmp_path.rglob("*.tmp"))
        return Told(ended.value.code, out, err)

    return run


@pytest.fixture(scope="session")
def six_seconds(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return make_video(tmp_path_factory.mktemp("made") / "clip.mp4", frames=30, fps=5, audio="aac").read_bytes()


@pytest.fixture
def video(tmp_path: Path, six_seconds: bytes) -> Path:
    """Six seconds of pictures with a tone."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(six_seconds)
    return path


@pytest.fixture
def fleet(emulate: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """`fleet(yolo=handler)` emulates that service and configures it; what is not given finds a person, hears hello."""

    def start(yolo: Any = sees_a_person, whisper: Any = hears_hello, **more: Any) -> Any:
        service = emulate(yolo=yolo, whisper=whisper, **more)
        for name, value in service.environ.items():
            monkeypatch.setenv(name, value)
        return service

    return start


@pytest.fixture
def document(tmp_path: Path) -> Callable[[], Document]:
    """The only document in the default output folder."""

    def read() -> Document:
        (path,) = (tmp_path / "output").glob("*_results.json")
        return read_document(path)

    return read


@pytest.fixture
def analysed(cli: Callable[..., Told], tmp_path: Path) -> Callable[..., Document]:
    """`analysed(path, "--fps", 5)`: the document of a run that does all it was asked to."""

    def run(path: Path, *flags: object) -> Document:
        told = cli("run", path, "--output-dir", tmp_path / "out", *flags)
        assert told.code == 0, told.err
        written = tmp_path / "out" / f"{path.stem}_results.json"
        Draft202012Validator(json_schema()).validate(json.loads(written.read_bytes()))
        return read_document(written)

    return run
