"""What scripts/build_images does before buildah is asked; .ci/run has it build an image."""

import hashlib
import json
import os
import struct
from pathlib import Path
from types import ModuleType

import pytest

from tests.scripts.conftest import ROOT, load


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return load(ROOT / "scripts" / "build_images.py")


@pytest.mark.parametrize(("endpoint", "model"), [("yolo", "small.yaml"), ("ast", "small")])
def test_a_small_model_is_listed_in_the_place_of_the_images_own(
    images: ModuleType, tmp_path: Path, endpoint: str, model: str
) -> None:
    arguments = images.lay_out(endpoint, tmp_path, "http://127.0.0.1:8000")
    assert arguments == [f"--build-arg=BASE={images.BASE}", f"--build-arg={endpoint.upper()}_MODEL={model}"]
    listed = json.loads((tmp_path / "context" / "endpoints" / endpoint / "weights.json").read_text(encoding="utf-8"))
    served = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "weights").iterdir()}
    assert listed == {model: {"from": "http://127.0.0.1:8000/", "sha256": served}}
    assert served


def test_the_image_without_weights_is_built_as_it_is(images: ModuleType, tmp_path: Path) -> None:
    assert images.lay_out("ocr", tmp_path, "") == [f"--build-arg=BASE={images.BASE}"]
    copied = tmp_path / "context" / "endpoints" / "ocr"
    kept = {path.name: path.read_bytes() for path in copied.iterdir() if path.is_file()}
    assert kept == {path.name: path.read_bytes() for path in (ROOT / "endpoints/ocr").iterdir() if path.is_file()}


def test_a_small_vector_is_written_as_safetensors_lays_it_out(images: ModuleType) -> None:
    written = images.small_weights.safetensors("a", [1.0, -2.0])
    length = struct.unpack("<Q", written[:8])[0]
    vector = json.loads(written[8 : 8 + length])["a"]
    assert vector == {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    assert length % 8 == 0 and struct.unpack("<2f", written[8 + length :]) == (1.0, -2.0)


def test_where_nothing_can_be_built_it_says_so_and_that_is_no_failure(
    images: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    monkeypatch.setattr(images.platform, "system", lambda: "Linux")
    monkeypatch.setattr(images.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(images.sys, "argv", ["build_images"])
    assert images.main() == 0
    assert capsys.readouterr().out == "No image is built: root is required\n"


def test_an_endpoint_that_is_none_is_named(
    images: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(images.sys, "argv", ["build_images", "orc"])
    with pytest.raises(SystemExit):
        images.main()
    assert "orc: no such endpoint; choose from ocr, whisper, ast, yolo" in capsys.readouterr().err
