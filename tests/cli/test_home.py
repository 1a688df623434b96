"""What a run leaves outside its output folder: nothing, whatever the libraries that it runs on would like to keep."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.full

HOMES = ("HOME", "USERPROFILE", "LOCALAPPDATA", "APPDATA")


def test_a_run_leaves_nothing_in_a_fresh_home(tmp_path: Path, video: Path) -> None:
    """With the models of this machine: ONNX Runtime would leave an id of the device and what it has to tell."""
    home = tmp_path / "home"
    home.mkdir()
    unset = ("XDG_", "ORT_", "HF_")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    environ |= dict.fromkeys(HOMES, str(home)) | {"PYTHONPATH": str(ROOT / "src")}
    run = [sys.executable, "-m", "framefleet", "run", str(video), "--stages", "objects,speech,text"]
    done = subprocess.run(run, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(home.rglob("*")) == []
