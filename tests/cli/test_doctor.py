"""`framefleet doctor`: what is found, and what to do about it."""

import sys
from collections.abc import Callable
from importlib import metadata
from typing import Any

import pytest

from framefleet.install_hints import with_extra
from tests.cli.conftest import Told

Cli = Callable[..., Told]
Fleet = Callable[..., Any]


def findings(told: Told) -> dict[str, tuple[str, str]]:
    """Mark and text by subject."""
    rows = (line.split(maxsplit=2) for line in told.out.splitlines())
    return {subject: (mark, text) for mark, subject, text in rows}


@pytest.mark.full
def test_all_is_well_here(cli: Cli) -> None:
    told = cli("doctor")
    assert told.code == 0
    found = findings(told)
    assert {mark for mark, _ in found.values()} == {"ok"}
    assert found["av"] == ("ok", metadata.version("av"))
    assert "RUNPOD_API_KEY is not set" in found["settings"][1]
    assert "yolov3-tiny (set FRAMEFLEET_YOLO_ENDPOINT for a GPU endpoint)" in found["objects"][1]
    assert "tiny.en" in found["speech"][1]


@pytest.mark.full
def test_all_is_well_over_http_and_no_worker_is_woken(cli: Cli, fleet: Fleet) -> None:
    asked: list[Any] = []
    fleet(yolo=asked.append, whisper=asked.append)
    told = cli("doctor")
    assert told.code == 0
    assert findings(told)["objects"] == ("ok", "endpoint yolo-id answers; workers: 2 idle, 2 ready")
    assert "RUNPOD_API_KEY is set" in told.out
    assert not asked


@pytest.mark.full
def test_a_package_that_is_missing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    version = metadata.version

    def without(name: str) -> str:
        if name == "onnxruntime":
            raise metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(metadata, "version", without)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    told = cli("doctor")
    found = findings(told)
    assert told.code == 1
    assert found["onnxruntime"] == ("note", f"not installed: {with_extra('local')}")
    assert found["objects"][0] == "FAIL"
    assert with_extra("local") in found["objects"][1]
    assert found["speech"][0] == "ok"


def test_what_is_missing_here_does_not_matter_to_an_endpoint(
    cli: Cli, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert cli("doctor").code == 0


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RUNPOD_API_KEY", "rpa_WRONG", "RunPod refuses the key (401); check RUNPOD_API_KEY"),
        ("RUNPOD_API_KEY", "", "RUNPOD_API_KEY is not set"),
        ("FRAMEFLEET_YOLO_ENDPOINT", "gone", "gone: not found"),
    ],
)
def test_a_service_that_does_not_serve(
    cli: Cli, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    fleet()
    monkeypatch.setenv(name, value)
    told = cli("doctor")
    assert told.code == 1
    mark, text = findings(told)["objects"]
    assert mark == "FAIL"
    assert said in text
    assert "rpa_WRONG" not in told.out


@pytest.mark.full
def test_a_service_that_is_away(cli: Cli, fleet: Fleet, deaf_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet()
    monkeypatch.setenv("RUNPOD_ENDPOINT_BASE_URL", f"http://127.0.0.1:{deaf_port}")
    told = cli("doctor")
    assert told.code == 1
    assert "cannot be reached" in findings(told)["speech"][1]
