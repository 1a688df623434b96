"""Setting up: once, again when what it is made from changed, again after an interruption, and never by halves."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def made(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was installed, one entry for each time an environment was made."""
    calls: list[list[str]] = []

    def make(folder: Path, wanted: list[str]) -> None:
        python = environment.python_of(folder)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        calls.append(wanted)

    monkeypatch.setattr(environment, "make", make)
    monkeypatch.setattr(environment, "fetch_models", lambda python: None)
    return calls


def test_the_second_start_makes_nothing(environment: ModuleType, made: list[Any], checkout: Path) -> None:
    first = environment.ensure(checkout / ".venv")
    assert environment.ensure(checkout / ".venv") == first
    assert made == [["-e", ".[local]"]]


def test_another_project_file_makes_it_anew(environment: ModuleType, made: list[Any], checkout: Path) -> None:
    environment.ensure(checkout / ".venv")
    project = checkout / "pyproject.toml"
    project.write_text(project.read_text(encoding="utf-8") + "\n[tool.other]\n", encoding="utf-8")
    environment.ensure(checkout / ".venv")
    assert len(made) == 1, "a tool's settings install nothing"
    project.write_text(project.read_text(encoding="utf-8").replace('"av>=', '"av>', 1), encoding="utf-8")
    environment.ensure(checkout / ".venv")
    assert len(made) == 2


def test_models_are_fetched_with_what_runs_them_and_once(
    environment: ModuleType, made: list[Any], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Path] = []
    monkeypatch.setattr(environment, "fetch_models", fetched.append)
    for _ in range(2):
        environment.ensure(checkout / ".venv", "local,test")
        environment.ensure(checkout / ".venv-other", "test")
    assert fetched == [environment.python_of(checkout / ".venv")]


def test_a_model_that_cannot_be_fetched_is_told_and_no_more(
    environment: ModuleType, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = checkout / "python"
    failing.write_text("#!/bin/sh\nexit 1\n")
    failing.chmod(0o755)
    environment.fetch_models(failing)
    told = capsys.readouterr().err
    assert "Sounds are left out: " in told
    assert told.strip().endswith(f"{failing} -m framefleet.weights.fetch")


def test_other_requirements_make_it_anew(environment: ModuleType, made: list[Any], checkout: Path) -> None:
    wanted = checkout / "requirements.txt"
    wanted.write_text("a==1\n")
    environment.ensure(checkout / ".venv", requirements=[wanted])
    wanted.write_text("a==2\n")
    environment.ensure(checkout / ".venv", requirements=[wanted])
    assert made == [["-e", ".[local]", "-r", str(wanted)]] * 2


def test_a_python_that_is_gone_makes_it_anew(environment: ModuleType, made: list[Any], checkout: Path) -> None:
    environment.ensure(checkout / ".venv").unlink()
    environment.ensure(checkout / ".venv")
    assert len(made) == 2


def test_an_interrupted_set_up_is_done_again(
    environment: ModuleType, made: list[Any], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = environment.make

    def interrupted(folder: Path, wanted: list[str]) -> None:
        whole(folder, wanted)
        raise KeyboardInterrupt

    monkeypatch.setattr(environment, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        environment.ensure(checkout / ".venv")
    monkeypatch.setattr(environment, "make", whole)
    environment.ensure(checkout / ".venv")
    assert len(made) == 2


def test_without_venv_the_package_is_named_and_nothing_is_left(
    environment: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = environment.importlib.util.find_spec
    monkeypatch.setattr(
        environment.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else found(name)
    )
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with pytest.raises(environment.SetUpError, match=f"sudo apt install python{version}-venv"):
        environment.ensure(checkout / ".venv")
    assert not (checkout / ".venv").exists()


def test_a_python_too_old_is_named(environment: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "OLDEST", (3, 99))
    with pytest.raises(environment.SetUpError, match=r"runs on Python 3\.99 to"):
        environment.ensure(checkout / ".venv")


def test_an_environment_that_cannot_be_made_is_not_left_half_made(
    environment: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(environment.sys, "executable", "/bin/false")
    with pytest.raises(environment.SetUpError, match=r"cannot make .*\.venv"):
        environment.make(checkout / ".venv", [])
    assert not (checkout / ".venv").exists()


def test_megabytes_are_added_up_and_shown(environment: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [
        "Collecting av>=15",
        "  Downloading av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl.metadata (4.5 kB)",
        "  Downloading av-18.1.0-cp311-abi3-manylinux_2_28_x86_64.whl (40.5 MB)",
        "  Using cached tqdm-4.70.1-py3-none-any.whl (500 kB)",
        "Downloading ctranslate2-4.8.5-cp311-cp311-manylinux_2_28_x86_64.whl (42.6 MB)",
        "Installing collected packages: av, tqdm, ctranslate2",
    ]
    total = 0.0
    for line in lines:
        total = environment._show(line, total)
    assert total == pytest.approx(83.6)
    assert [line.split() for line in capsys.readouterr().err.splitlines()] == [
        ["40.5", "MB", "av-18.1.0", "(40", "MB", "so", "far)"],
        ["42.6", "MB", "ctranslate2-4.8.5", "(84", "MB", "so", "far)"],
        ["unpacking", "3", "packages,", "84", "MB", "…"],
    ]


def test_dependencies_are_those_of_the_project_file(environment: ModuleType) -> None:
    wanted = environment.dependencies("local,test")
    assert any(line.startswith("av>=") for line in wanted)
    assert any(line.startswith("faster-whisper") for line in wanted)
    assert any(line.startswith("pytest>=") for line in wanted)
    assert not any(line.startswith("fastapi") for line in wanted)
