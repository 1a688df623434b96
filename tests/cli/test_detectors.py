"""Detectors by name: what `plan`, `doctor`, `run` and the document say of the one that is used."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Told
from tests.stages.objects.fetched import fetched_models

Cli = Callable[..., Told]


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    return fetched_models(tmp_path / "models", monkeypatch)


@pytest.mark.full
def test_a_run_takes_the_named_model_and_its_document_says_so(
    fetched: Callable[[str], Path], cli: Cli, sample: Path, tmp_path: Path
) -> None:
    fetched("d-fine-n")
    asked = ("--stages", "objects", "--fps", 0.2, "--output-dir", tmp_path)
    assert "; model d-fine-n" in cli("plan", sample, *asked).out
    assert cli("run", sample, *asked).code == 0
    config = json.loads((tmp_path / "sample_results.json").read_text(encoding="utf-8"))["config"]
    assert (config["yolo_model"], config["yolo_imgsz"], config["yolo_imgsz_fixed"]) == ("d-fine-n", 640, True)
    assert config["yolo_fallback_for"] is None


@pytest.mark.full
def test_the_fall_back_is_named_in_plan_doctor_and_document(
    cli: Cli, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "none"))
    asked = ("--stages", "objects", "--fps", 0.2, "--output-dir", tmp_path)
    assert "; model yolov3-tiny, the fall-back: d-fine-n was not fetched" in cli("plan", sample, *asked).out
    assert "yolov3-tiny (set FRAMEFLEET_YOLO_ENDPOINT for a GPU endpoint); the fall-back" in cli("doctor").out
    assert cli("run", sample, *asked).code == 0
    config = json.loads((tmp_path / "sample_results.json").read_text(encoding="utf-8"))["config"]
    assert (config["yolo_model"], config["yolo_fallback_for"]) == ("yolov3-tiny", "d-fine-n")


@pytest.mark.full
def test_a_run_fetches_what_it_lacks_before_anything_is_decoded_or_ends(
    fetched: Callable[[str], Path], cli: Cli, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_NO_FETCH", "1")
    told = cli("run", sample, "--stages", "objects", "--yolo-model", "yolox-s", "--output-dir", tmp_path)
    assert told.code == 1
    assert "--yolo-model yolox-s: YOLOX-s" in told.line
    assert "pass the path of an .onnx file" in told.line
    assert not (tmp_path / "sample_results.json").exists()
