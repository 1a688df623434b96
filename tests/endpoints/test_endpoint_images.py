"""What goes into an image: all that its handler imports, and nothing that a change of would not rebuild it."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from framefleet.protocol.ast import AstRequest
from framefleet.protocol.envelope import read_request
from framefleet.protocol.ocr import OcrRequest
from framefleet.protocol.whisper import WhisperRequest
from framefleet.protocol.yolo import YoloRequest
from tests.pins import assert_whole, pinned_for

ROOT = Path(__file__).parents[2]
REQUESTS = {"yolo": YoloRequest, "whisper": WhisperRequest, "ast": AstRequest, "ocr": OcrRequest}
ENDPOINTS = list(REQUESTS)

pytestmark = pytest.mark.parametrize("endpoint", ENDPOINTS)


def copied(endpoint: str) -> list[str]:
    """What the Dockerfile copies, as paths from the repository's root."""
    text = (ROOT / "endpoints" / endpoint / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [path for line in text.splitlines() if line.startswith("COPY ") for path in line.split()[1:-1]]


def imports(path: Path) -> Iterator[str]:
    """The modules of framefleet that a file imports, at its top or in a function, at run time."""
    nodes: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    for node in nodes:  # grows as it goes
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        nodes.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def files_of(module: str) -> Iterator[Path]:
    """The files that importing `module` runs, its packages' included; none for what is not a module of framefleet."""
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        place = ROOT.joinpath("src", *parts[:depth])
        yield from (path for path in (place / "__init__.py", place.with_suffix(".py")) if path.is_file())


def test_all_that_the_handler_imports_is_copied(endpoint: str) -> None:
    reached = [ROOT / "endpoints" / endpoint / "handler.py"]
    for path in reached:  # grows as it goes
        found = (file for module in imports(path) for file in files_of(module))
        reached.extend(file for file in dict.fromkeys(found) if file not in reached)
    kept = [ROOT / path for path in copied(endpoint)]
    assert len(reached) > 5
    assert [path for path in reached if not any(path.is_relative_to(place) for place in kept)] == []


def test_all_that_is_copied_exists(endpoint: str) -> None:
    assert [path for path in copied(endpoint) if not (ROOT / path).exists()] == []


def test_a_change_of_anything_copied_rebuilds_the_image(endpoint: str) -> None:
    workflow = (ROOT / ".github" / "workflows" / f"image-{endpoint}.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^      - (\S+)$", workflow, flags=re.MULTILINE)
    how = [".dockerignore", ".github/workflows/image.yml", f".github/workflows/image-{endpoint}.yml"]
    what = [f"{path}/**" if (ROOT / path).is_dir() else path for path in copied(endpoint)]
    assert sorted(listed) == sorted([*how, *what, f"endpoints/{endpoint}/Dockerfile"])


def chosen(endpoint: str) -> list[Requirement]:
    lines = (ROOT / "endpoints" / endpoint / "requirements.in").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def pins_of(endpoint: str) -> Path:
    return ROOT / "endpoints" / endpoint / "requirements.txt"


def test_every_requirement_is_pinned_by_version_and_sha256(endpoint: str) -> None:
    assert_whole(pins_of(endpoint))
    dockerfile = (ROOT / "endpoints" / endpoint / "Dockerfile").read_text(encoding="utf-8")
    (install,) = re.findall("pip install .*", dockerfile)
    assert install == "pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt"


@pytest.mark.parametrize("detector", ["dfine", "rfdetr"])
def test_the_requirements_of_other_detectors_are_pinned_and_take_their_place(endpoint: str, detector: str) -> None:
    folder = ROOT / "endpoints" / endpoint / "detectors" / detector
    if endpoint != "yolo":
        assert not folder.exists()
        return
    assert_whole(folder / "requirements.txt")
    versions = {found.name: found.specifier for found in pinned_for(folder / "requirements.txt", "3.12")}
    lines = (folder / "requirements.in").read_text(encoding="utf-8").splitlines()
    wanted = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert {found.name: found.specifier for found in wanted}.items() <= versions.items()
    assert "ultralytics" not in (folder / "requirements.txt").read_text(encoding="utf-8")
    dockerfile = (ROOT / "endpoints" / "yolo" / "Dockerfile").read_text(encoding="utf-8")
    assert f"--build-arg DETECTOR={detector} " in dockerfile
    assert dockerfile.index("/tmp/detectors/$DETECTOR") < dockerfile.index("pip install")
    assert "ARG DETECTOR=ultralytics" in dockerfile


@pytest.mark.parametrize("python", ["3.11", "3.12"])  # that of the tests' images and that of the images
def test_what_is_pinned_is_what_was_chosen(endpoint: str, python: str) -> None:
    here = pinned_for(pins_of(endpoint), python)
    versions = {found.name: found.specifier for found in here}
    assert len(versions) == len(here) > 50
    assert {found.name: found.specifier for found in chosen(endpoint)}.items() <= versions.items()
    assert "runpod" in versions


def test_the_base_is_named_by_its_digest_and_another_can_be_given(endpoint: str) -> None:
    lines = (ROOT / "endpoints" / endpoint / "Dockerfile").read_text(encoding="utf-8").splitlines()
    (base,) = [line for line in lines if line.startswith("ARG BASE=")]
    assert re.fullmatch(r"ARG BASE=nvidia/cuda:\S+-ubuntu24\.04@sha256:[0-9a-f]{64}", base)
    assert [line for line in lines if line.startswith("FROM ")] == ["FROM ${BASE}"]


def test_the_libraries_makers_are_told_nothing(endpoint: str) -> None:
    text = (ROOT / "endpoints" / endpoint / "Dockerfile").read_text(encoding="utf-8")
    settings = {pair for line in text.splitlines() if line.startswith("ENV ") for pair in line.split()[1:]}
    assert {"ORT_DISABLE_TELEMETRY=1", "HF_HUB_DISABLE_TELEMETRY=1"} <= settings
    assert "YOLO_OFFLINE=true" in settings or "ultralytics" not in text
    assert text.index("ORT_DISABLE_TELEMETRY") < text.index("pip install")


def test_the_test_input_is_a_request_and_the_hubs_test_sends_the_same(endpoint: str) -> None:
    folder = ROOT / "endpoints" / endpoint
    job = json.loads((folder / "test_input.json").read_text(encoding="utf-8"))
    hub_tests = json.loads((folder / ".runpod" / "tests.json").read_text(encoding="utf-8"))
    assert read_request(job, REQUESTS[endpoint]).schema_version == "1"
    assert [test["input"] for test in hub_tests["tests"]] == [job["input"]]
    assert all(test["name"] and test["timeout"] > 0 for test in hub_tests["tests"])


def test_the_hub_is_told_what_it_asks_for(endpoint: str) -> None:
    hub = json.loads((ROOT / "endpoints" / endpoint / ".runpod" / "hub.json").read_text(encoding="utf-8"))
    assert {"title", "description", "type", "category", "config"} <= hub.keys()
    assert hub["type"] == "serverless"
    assert {"runsOn", "containerDiskInGb", "gpuIds", "allowedCudaVersions", "env"} <= hub["config"].keys()


def test_the_handler_stays_under_30_lines(endpoint: str) -> None:
    assert len((ROOT / "endpoints" / endpoint / "handler.py").read_text(encoding="utf-8").splitlines()) < 30
