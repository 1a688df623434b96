"""Ctrl-C in the middle of a run."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import hears_hello, sees_a_person
from tests.conftest import ROOT

pytestmark = pytest.mark.full


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_ends_a_run_at_once(emulate: Any, video: Path, tmp_path: Path) -> None:
    go_on, first = threading.Event(), iter([True])

    def stuck_after_one(job: dict[str, Any]) -> dict[str, Any]:
        if not next(first, False):  # whichever frame arrives first: requests overtake each other
            go_on.wait(60)
        return sees_a_person(job)

    service = emulate(yolo=stuck_after_one, whisper=hears_hello, workers=1)
    command = [sys.executable, "-m", "framefleet", "run", str(video), "--no-speech", "--batch-size", "1", "-v"]
    environ = os.environ | service.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stderr is not None
        said = [running.stderr.readline()]
        while said[-1] and not said[-1].startswith("Batch 1/6"):
            said.append(running.stderr.readline())
        running.send_signal(signal.SIGINT)
        out, rest = running.communicate(timeout=20)  # the worker would take a minute
    go_on.set()
    assert running.returncode == 130
    assert out == ""
    *_, last, hint = rest.splitlines()
    assert last.startswith("error: interrupted: objects 1 of 6 frames kept; about $")
    assert last.endswith("spent")
    assert hint == "hint: run the same command again to resume"
    assert "Traceback" not in rest
    assert not list(tmp_path.rglob("*.json"))
    assert not list(tmp_path.rglob("*.tmp"))
