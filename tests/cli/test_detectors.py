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
def test_a_lesser_model_is_named_in_plan_doctor_run_and_document(
    cli: Cli, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "none"))
    asked = ("--stages", "objects", "--fps", 0.2, "--output-dir", tmp_path)
    remark = "yolov3-tiny, as d-fine-n was not downloaded; for better results run: "
    assert f"; model {remark}" in cli("plan", sample, *asked).out
    assert f"; using {remark}" in cli("doctor").out
    ran = cli("run", sample, *asked)
    assert ran.code == 0
    assert f"objects: using {remark}" in ran.err
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


@pytest.mark.full
def test_a_run_whose_answers_are_saved_says_nothing_of_a_download(
    fetched: Callable[[str], Path], cli: Cli, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_NO_FETCH", "1")
    network = fetched("yolox-s")
    asked = ("--stages", "objects", "--fps", 0.2, "--yolo-model", "yolox-s", "--output-dir", tmp_path)
    assert cli("run", sample, *asked).code == 0
    network.unlink()
    again = cli("run", sample, *asked)
    assert again.code == 0
    assert "to be downloaded" not in again.err
