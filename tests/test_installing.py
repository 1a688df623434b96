"""What a person is told to type installs FrameFleet from where it came, into the Python at work."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from framefleet import install_hints
from framefleet.install_hints import (
    framefleet,
    mend,
    pip,
    with_extra,
)
from tests.conftest import ROOT

posix = pytest.mark.skipif(sys.platform == "win32", reason="another shell's quotes")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FrameFleet as it lies in an environment, not in a checkout; its package's folder."""
    package = tmp_path / "lib" / "site-packages" / "framefleet"
    package.mkdir(parents=True)
    monkeypatch.setattr(install_hints, "__file__", str(package / "install_hints.py"))
    monkeypatch.syspath_prepend(package.parent)
    return package


def installed(package: Path, direct_url: str | None) -> None:
    facts = package.parent / "framefleet-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: framefleet\nVersion: 1.0\n")
    if direct_url is not None:
        (facts / "direct_url.json").write_text(direct_url)


@posix
def test_in_its_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert with_extra("export").endswith(" install -e '.[export]'")


@posix
def test_from_another_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    command = shlex.split(with_extra("export"))
    assert command[-2:] == ["-e", f"{ROOT}[export]"]
    assert Path(command[0]).is_absolute()


def test_pip_is_that_of_the_python_at_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    quote = '"' if sys.platform == "win32" else "'"
    python = Path("my env", "bin", "python")
    assert pip("x") == f"{quote}{python}{quote} -m pip install x"
    script = folder / ("pip.exe" if sys.platform == "win32" else "pip")
    script.touch()
    assert pip("x") == f"{quote}{script.relative_to(tmp_path)}{quote} install x"


def test_the_command_is_that_of_the_python_at_work(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "env" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "")
    quote = '"' if sys.platform == "win32" else "'"
    arguments = f"report {quote}a b.json{quote}"
    assert framefleet("report", "a b.json") == f"{Path('env', 'bin', 'python')} -m framefleet {arguments}"
    script = folder / ("framefleet.exe" if sys.platform == "win32" else "framefleet")
    script.touch(mode=0o755)
    assert framefleet("report", "a b.json") == f"{script.relative_to(tmp_path)} {arguments}"
    monkeypatch.setenv("PATH", str(folder))
    assert framefleet("report", "a b.json") == f"framefleet {arguments}"


@pytest.mark.parametrize(
    ("direct_url", "source"),
    [
        ('{"url": "file:///tmp/clone", "dir_info": {}}', "framefleet[export] @ file:///tmp/clone"),
        (
            '{"url": "https://example.org/ff.git", "vcs_info": {"vcs": "git", "commit_id": "ab"}}',
            "framefleet[export] @ git+https://example.org/ff.git",
        ),
        (None, "framefleet[export]"),
    ],
)
def test_from_where_it_was_installed(elsewhere: Path, direct_url: str | None, source: str) -> None:
    installed(elsewhere, direct_url)
    assert metadata.version("framefleet") == "1.0"
    assert source in with_extra("export")


def test_every_extra_that_is_told_of_exists() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    told = set(re.findall(r"with_extra\(['\"](\w+)", code))
    assert {"export", "text", "local", "emulator"} <= told <= set(extras)
    assert not re.findall(r"\binstall '?framefleet\[", code)


@pytest.mark.full
@posix
def test_a_shell_takes_it_as_one_requirement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    line = with_extra("export").partition(" install ")[2]
    done = subprocess.run(["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["-e", ".[export]"]


@pytest.mark.full
def test_a_package_that_does_not_load_is_named_with_the_command_that_installs_it_anew() -> None:
    what, hint = mend(ImportError("No module named 'numpy._core'", name="numpy._core"))
    assert what == "numpy is missing or damaged (No module named 'numpy._core')"
    assert hint.endswith(f" install --force-reinstall --no-deps numpy=={metadata.version('numpy')}")
    wrapped = ImportError("IMPORTANT: PLEASE READ THIS FOR ADVICE")
    wrapped.__cause__ = ImportError("No module named 'numpy._core'", name="numpy._core")
    assert mend(wrapped) == (what, hint)
    assert mend(ImportError("No module named 'gone'", name="gone"))[1] == with_extra("local")


@pytest.mark.full
def test_the_command_runs_on_its_own_packages_alone(tmp_path: Path) -> None:
    (tmp_path / "requests.py").write_text("raise SystemExit('the other tool is loaded')")
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT / "src")])}
    command = [sys.executable, "-m", "framefleet", "doctor", "--help"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.full
@pytest.mark.parametrize(
    ("package", "arguments"),
    [
        ("typer", ("--help",)),  # which the command line itself is made of
        ("rich", ("--help",)),
        ("msgspec", ("show", "results.json")),
        ("requests", ("endpoints",)),
    ],
)
def test_a_package_that_does_not_load_is_one_line(package: str, arguments: tuple[str, ...]) -> None:
    done = without(package, *arguments)
    assert done.returncode == 1
    what, hint = done.stderr.splitlines()
    assert what.startswith(f"error: {package} is missing or damaged (") and "install --force-reinstall" in hint


@pytest.mark.full
def test_a_package_that_a_run_finds_missing_later_is_one_line_too() -> None:
    """And the video is named before anything heavy is loaded."""
    video = str(ROOT / "samples" / "sample.mp4")
    done = without("av", "run", video)
    reading, what, hint = done.stderr.splitlines()
    assert (done.returncode, reading) == (1, f"reading {video}")
    assert what.startswith("error: av is missing or damaged (") and "install --force-reinstall" in hint


def without(package: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command where a package does not load."""
    code = f"import sys; sys.modules[{package!r}] = None; from framefleet.__main__ import command; command()"
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
