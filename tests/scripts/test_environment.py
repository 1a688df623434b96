"""Setting up: once, again when what it is made from changed, again after an interruption, and never by halves."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

posix = pytest.mark.skipif(os.name == "nt", reason="a script stands in for Python")


@pytest.fixture
def made(environment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was installed, one entry for each time an environment was made."""
    calls: list[list[str]] = []

    def make(folder: Path, pins: list[Path], editable: bool) -> None:
        python = environment.python_of(folder)
        python.parent.mkdir(parents=True, exist_ok=True)
        python.touch()
        (folder / "lib" / "python3" / "site-packages" / "numpy").mkdir(parents=True, exist_ok=True)
        calls.append([path.name for path in pins])

    monkeypatch.setattr(environment, "make", make)
    monkeypatch.setattr(environment, "fetch_models", lambda python: None)
    return calls


def test_the_second_start_makes_nothing(environment: ModuleType, made: list[Any], checkout: Path) -> None:
    first = environment.ensure(checkout / ".venv")
    assert environment.ensure(checkout / ".venv") == first
    assert made == [["run.txt"]]


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
        environment.ensure(checkout / ".venv")
        environment.ensure(checkout / ".venv-other", [checkout / "requirements" / "uv.txt"])
    assert fetched == [environment.python_of(checkout / ".venv")]


@pytest.mark.full
def test_a_model_that_cannot_be_fetched_is_told_and_no_more(
    environment: ModuleType, checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    failing = checkout / "python"
    failing.write_text("#!/bin/sh\necho 'error: PyPI is away' >&2\nexit 1\n")
    failing.chmod(0o755)
    environment.fetch_models(failing)
    told = capfd.readouterr().err
    assert "error: PyPI is away\n" in told
    assert told.strip().endswith(f"{failing} -m framefleet.models.fetch")


def test_other_requirements_make_it_anew(environment: ModuleType, made: list[Any], checkout: Path) -> None:
    wanted = checkout / "requirements.txt"
    wanted.write_text("a==1\n")
    environment.ensure(checkout / ".venv", [wanted])
    wanted.write_text("a==2\n")
    environment.ensure(checkout / ".venv", [wanted])
    assert made == [["requirements.txt"]] * 2


def test_a_python_that_is_gone_makes_it_anew(environment: ModuleType, made: list[Any], checkout: Path) -> None:
    environment.ensure(checkout / ".venv").unlink()
    environment.ensure(checkout / ".venv")
    assert len(made) == 2


def test_a_package_that_is_gone_makes_it_anew_and_one_that_came_does_not(
    environment: ModuleType, made: list[Any], checkout: Path
) -> None:
    environment.ensure(checkout / ".venv")
    packages = checkout / ".venv" / "lib" / "python3" / "site-packages"
    (packages / "pyarrow").mkdir()
    environment.ensure(checkout / ".venv")
    assert len(made) == 1
    (packages / "numpy").rmdir()
    environment.ensure(checkout / ".venv")
    assert len(made) == 2


def test_an_interrupted_set_up_is_done_again(
    environment: ModuleType, made: list[Any], checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = environment.make

    def interrupted(folder: Path, pins: list[Path], editable: bool) -> None:
        whole(folder, pins, editable)
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


@pytest.mark.full
def test_an_environment_that_cannot_be_made_is_not_left_half_made(
    environment: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(environment.sys, "executable", "/bin/false")
    with pytest.raises(environment.SetUpError, match=r"\.venv cannot be created"):
        environment.make(checkout / ".venv", [], editable=True)
    assert not (checkout / ".venv").exists()


def made_by(checkout: Path, script: str) -> str:
    """A stand-in for the Python that is to make an environment."""
    python = checkout / "python"
    python.write_text(f"#!/bin/sh\n{script}\nexit 1\n")
    python.chmod(0o755)
    return str(python)


@pytest.mark.full
@posix
@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "echo \"Error: [Errno 13] Permission denied: '/x/.venv'\" >&2",
            r"\.venv cannot be created \(\[Errno 13\] Permission denied: '/x/\.venv'\); .* must be writable",
        ),
        ("echo created halfway; echo 'Error: [Errno 28] No space left on device' >&2", r"No space left .* 1 GB free"),
        ("echo 'not created, as ensurepip is not available'; echo more", r"python3\.\d+-venv|venv and"),
    ],
)
def test_what_kept_an_environment_from_being_made_is_named(
    environment: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setattr(environment.sys, "executable", made_by(checkout, script))
    with pytest.raises(environment.SetUpError, match=said) as raised:
        environment.make(checkout / ".venv", [], editable=True)
    assert ("-venv" in str(raised.value) or "ensurepip" in str(raised.value)) == ("ensurepip" in script)


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="may write anywhere")
def test_a_checkout_that_cannot_be_written_is_named(environment: ModuleType, checkout: Path) -> None:
    checkout.chmod(0o555)
    try:
        with pytest.raises(environment.SetUpError, match=f"{re.escape(str(checkout))} must be writable"):
            environment.make(checkout / ".venv", [], editable=True)
    finally:
        checkout.chmod(0o755)


def test_an_environment_that_is_mended_takes_nothing_from_uvs_cache(
    environment: ModuleType, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(environment, "install", lambda *a, mending, **k: asked.append(mending))
    monkeypatch.setattr(environment.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, "", ""))
    environment.make(checkout / ".venv", [], editable=False)
    monkeypatch.setenv(environment._REBUILT, "1")
    environment.make(checkout / ".venv", [], editable=False)
    assert asked == [False, True]
