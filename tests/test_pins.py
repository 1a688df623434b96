"""What is set up from requirements/ is what pyproject.toml asks for, everywhere FrameFleet runs."""

import tomllib
from itertools import product
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT
from tests.pins import assert_whole, pinned_for, place_of

PINS = ROOT / "requirements"
EXTRAS = ("local", "text", "export", "emulator", "ray")
GROUPS = ("test", "browser", "check", "docs", "build")
ASKED = {
    "run": (("local",), ("build",)),
    "develop": (EXTRAS, GROUPS),
    "gpu-engines": (("local", "emulator"), ("test",)),
    "uv": (None, ("install",)),
}
PLACES = list(product(["3.11", "3.12", "3.13", "3.14"], ["linux", "darwin", "win32"]))


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def asked(pyproject: dict[str, Any], extras: tuple[str, ...] | None, groups: tuple[str, ...]) -> list[Requirement]:
    project = pyproject["project"]
    lines = [] if extras is None else list(project["dependencies"])
    lines += [line for extra in extras or () for line in project["optional-dependencies"][extra]]
    lines += [line for group in groups for line in pyproject["dependency-groups"][group]]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("file", ASKED)
def test_each_is_pinned_by_one_version_and_its_hashes(file: str) -> None:
    assert_whole(PINS / f"{file}.txt")


@pytest.mark.parametrize("file", ASKED)
def test_all_that_the_project_asks_for_is_pinned_within_its_ranges(pyproject: dict[str, Any], file: str) -> None:
    for python, platform in PLACES:
        pins = pinned_for(PINS / f"{file}.txt", python, platform)
        versions = {canonicalize_name(pin.name): next(iter(pin.specifier)).version for pin in pins}
        assert len(versions) == len(pins), "one version of each"
        for want in asked(pyproject, *ASKED[file]):
            if want.marker is None or want.marker.evaluate(place_of(python, platform)):
                found = versions.get(canonicalize_name(want.name))
                assert found and found in want.specifier, f"{want}; {found} in {file}.txt; run scripts/pin_requirements"


@pytest.mark.parametrize("file", ["run", "develop"])
def test_the_only_opencv_is_the_one_that_needs_no_libgl(file: str) -> None:
    for python, platform in PLACES:
        names = {pin.name for pin in pinned_for(PINS / f"{file}.txt", python, platform)}
        assert {name for name in names if name.startswith("opencv")} == {"opencv-python-headless"}


def test_a_run_has_the_versions_that_were_tested() -> None:
    for python, platform in PLACES:
        run, tested = (
            {(pin.name, pin.specifier) for pin in pinned_for(PINS / f"{file}.txt", python, platform)}
            for file in ("run", "develop")
        )
        assert run <= tested


def test_nothing_is_left_unasked(pyproject: dict[str, Any]) -> None:
    assert set(EXTRAS) == set(pyproject["project"]["optional-dependencies"])
    assert {*GROUPS, "install"} == set(pyproject["dependency-groups"])
    assert {path.stem for path in PINS.iterdir()} == set(ASKED)
    (backend,) = pyproject["build-system"]["requires"]
    assert backend in pyproject["dependency-groups"]["build"], "the project is built without isolation"
