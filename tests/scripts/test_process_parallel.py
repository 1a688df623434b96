"""From the shell to the command line: arguments, exit codes and the Python they end up in."""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.full

posix = pytest.mark.skipif(os.name == "nt", reason="bash")
STUB = "import json, sys\ndef main(arguments):\n    print(json.dumps(arguments))\n    sys.exit(3)\n"


@pytest.fixture(scope="session")
def python_with_stub(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python in whose environment framefleet tells what it was asked, and ends with 3."""
    folder = tmp_path_factory.mktemp("python") / "env"
    venv.create(folder, symlinks=os.name != "nt")
    (packages,) = [*folder.glob("lib/python*/site-packages"), *folder.glob("Lib/site-packages")]
    (packages / "framefleet").mkdir()
    (packages / "framefleet" / "__init__.py").touch()
    (packages / "framefleet" / "cli.py").write_text(STUB)
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


@pytest.fixture
def stub(python_with_stub: str) -> dict[str, str]:
    return {**os.environ, "PYTHON": python_with_stub, "PYTHONUTF8": "1"}


@pytest.fixture
def foreign(tmp_path: Path) -> dict[str, str]:
    """What another tool sets: its packages, which would go before ours, and a Python that is not this one."""
    for name in ("numpy", "requests", "framefleet"):
        (tmp_path / "foreign" / name).mkdir(parents=True)
        (tmp_path / "foreign" / name / "__init__.py").write_text("raise SystemExit('the other tool is loaded')")
    return {"PYTHONPATH": str(tmp_path / "foreign"), "PYTHONHOME": str(tmp_path / "foreign")}


def run(command: list[str], cwd: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, encoding="utf-8", timeout=60, check=False)


def starter(checkout: Path) -> list[str]:
    return [str(checkout / ("process_parallel.bat" if os.name == "nt" else "process_parallel.sh"))]


def test_odd_names_arrive_whole_and_the_exit_code_comes_back(checkout: Path, stub: dict[str, str]) -> None:
    done = run([*starter(checkout), "my & film ü.mp4", "2", "--conf", "0.3"], checkout.parent, stub)
    assert json.loads(done.stdout) == ["run", "my & film ü.mp4", "--fps=2", "--conf", "0.3"]
    assert done.returncode == 3


@posix
@pytest.mark.parametrize("relative", [False, True])
def test_a_link_to_it_does_the_same(checkout: Path, tmp_path: Path, stub: dict[str, str], relative: bool) -> None:
    place = tmp_path / "bin"
    place.mkdir()
    target = checkout / "process_parallel.sh"
    first, second = place / "first", place / "analyse"
    first.symlink_to(os.path.relpath(target, place) if relative else target)
    second.symlink_to("first")
    done = run([str(second), "a.mp4", "2"], tmp_path, stub)
    assert done.stderr == ""
    assert json.loads(done.stdout) == ["run", "a.mp4", "--fps=2"]


def test_wrong_usage_is_told_before_anything_is_set_up(checkout: Path) -> None:
    for script in ("process_video_parallel.py", "process_video.py"):
        command = [sys.executable, str(checkout / "scripts" / script), "a.mp4", "b.mp4"]
        done = run(command, checkout, {**os.environ, "PYTHONPATH": ""})
        assert done.returncode == 2 and "for several videos" in done.stderr
        assert not (checkout / ".venv").exists()


def test_without_arguments_it_runs_on_the_sample(checkout: Path, stub: dict[str, str]) -> None:
    done = run(starter(checkout), checkout.parent, stub)
    assert json.loads(done.stdout) == ["run", str(checkout / "samples" / "sample.mp4")]


def test_other_tools_packages_and_pythons_are_left_out(
    checkout: Path, stub: dict[str, str], foreign: dict[str, str]
) -> None:
    done = run([*starter(checkout), "a.mp4"], checkout.parent, stub | foreign)
    assert (done.returncode, json.loads(done.stdout)) == (3, ["run", "a.mp4"]), done.stderr
    script = str(checkout / "scripts" / "process_video_parallel.py")
    done = run([stub["PYTHON"], script, "a.mp4"], checkout, stub | {"PYTHONPATH": foreign["PYTHONPATH"]})
    assert (done.returncode, json.loads(done.stdout)) == (3, ["run", "a.mp4"]), done.stderr


@posix
def test_an_environment_with_a_package_missing_is_made_anew_and_once(checkout: Path, tmp_path: Path) -> None:
    """As a virus scanner or an interrupted copy leaves it: the stamp is there, and a package is not."""
    folder = checkout / ".venv"
    venv.create(folder, symlinks=True)
    (checkout / "src" / "framefleet").mkdir(parents=True)
    (checkout / "src" / "framefleet" / "__init__.py").touch()
    (checkout / "src" / "framefleet" / "session.py").write_text("import numpy_that_is_gone\n")
    shutil.copy(ROOT / "src" / "framefleet" / "install_hints.py", checkout / "src" / "framefleet")
    (folder / "framefleet-stamp").touch()
    base = tmp_path / "base"
    base.write_text('#!/bin/sh\necho "again: $1"\n')
    base.chmod(0o755)
    script = "process_video_parallel.py"
    started = f"import runpy, sys; sys._base_executable = {str(base)!r}; sys.argv = ['{script}', 'a.mp4']"
    code = f"{started}; sys.path.insert(0, 'scripts'); runpy.run_path('scripts/{script}', run_name='__main__')"
    python = str(folder / "bin" / "python")
    done = run([python, "-c", code], checkout, dict(os.environ))
    assert done.stdout == f"again: scripts/{script}\n"
    assert done.stderr.startswith("numpy_that_is_gone is missing or damaged in ")
    assert not (folder / "framefleet-stamp").exists()
    done = run([python, "-c", code], checkout, os.environ | {"_FRAMEFLEET_REBUILT": "1"})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "numpy_that_is_gone does not load" in line and "virus scanner" in line


def test_the_sequential_way_is_a_flag(checkout: Path, stub: dict[str, str]) -> None:
    script = str(checkout / "scripts" / "process_video.py")
    done = run([stub["PYTHON"], script, "a.mp4", "1", "out"], checkout, stub)
    assert json.loads(done.stdout) == ["run", "--sequential", "a.mp4", "--fps=1", "--output-dir=out"]


def test_help_tells_of_the_positions_first(checkout: Path, stub: dict[str, str]) -> None:
    for script in ("process_video_parallel.py", "process_video.py"):
        done = run([stub["PYTHON"], str(checkout / "scripts" / script), "--help"], checkout, stub)
        assert f"{script} VIDEO [fps]" in done.stdout
        assert json.loads(done.stdout.splitlines()[-1])[-1] == "--help"


@posix
def test_another_python_hands_over_to_the_environment(checkout: Path, environment: ModuleType) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@"\nexit 3\n')
    python.chmod(0o755)
    key = environment.key_of([environment.RUN], editable=True)
    (checkout / ".venv" / environment.STAMP).write_text(environment._stamp(checkout / ".venv", key), encoding="utf-8")
    # -I and the base Python: nothing of this test's own environment.
    script = str(checkout / "scripts" / "process_video_parallel.py")
    base = getattr(sys, "_base_executable", sys.executable)
    done = run([base, script, "a.mp4", "2"], checkout, {"PATH": os.environ["PATH"]})
    assert done.stdout.split("scripts/process_video_parallel.py")[-1].split() == ["a.mp4", "2"]
    assert done.returncode == 3


@posix
@pytest.mark.parametrize("tool", [None, "apt-get", "brew"])
def test_where_there_is_no_python_it_says_what_to_install(checkout: Path, tmp_path: Path, tool: str | None) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    if tool:
        (tools / tool).write_text("#!/bin/sh\n")
        (tools / tool).chmod(0o755)
    bash = shutil.which("bash")
    assert bash
    done = run([bash, str(checkout / "scripts" / "python"), "x.py"], checkout, {"PATH": str(tools)})
    remedy = {None: "www.python.org", "apt-get": "sudo apt install python3", "brew": "brew install python"}[tool]
    assert remedy in done.stderr and done.stderr.startswith("framefleet: ")
    assert done.returncode == 1
