"""`framefleet render --blur`: what the command says and writes, what it refuses, and that a kill leaves no file."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Told
from tests.conftest import ROOT
from tests.outputs.render.squares import document_of, frames_of, squares
from tests.results.make import write_document

Cli = Callable[..., Told]

pytest.importorskip("onnxruntime")


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A document of a video that lies beside it."""
    video = squares(tmp_path / "clip.mp4", audio="aac")
    path = tmp_path / "clip_results.json"
    write_document(document_of(video, said=[(0, 1, "Hello")]), path)
    return path


@pytest.mark.full
def test_the_last_lines_say_what_was_written_and_what_to_look_through(cli: Cli, result: Path) -> None:
    told = cli("render", result, "--blur", "person", "--output", result.with_name("hidden.mp4"))
    assert told.code == 0, told
    video, sheet = told.out.splitlines()
    assert video == f"{result.with_name('hidden.mp4')}: 50 frames, something covered in 0, sound aac"
    assert sheet.startswith(f"{result.with_name('hidden_redaction.html')}: check it")
    assert len(frames_of(result.with_name("hidden.mp4"))) == 50


@pytest.mark.full
def test_words_are_silenced_without_looking_at_a_frame(cli: Cli, result: Path) -> None:
    told = cli("render", result, "--mute", "hello")
    assert told.out == (f"{result.with_name('clip_redacted.mp4')}: 50 frames, sound aac as AAC, silent 1 time\n")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--blur", "unicorn"], ["--blur unicorn: ", "hint: ", "faces, person, bicycle, car"]),
        (["--blur", "person,unicorn"], ["--blur unicorn: "]),
        (["--blur", "track:7"], ["--blur track:7: no such track", "its tracks are 1 to 1"]),
        (["--blur", "person", "--keep", "track:9"], ["--keep track:9: no such track"]),
        (["--blur", "track:seven"], ["--blur track:seven", "track:7"]),
        (["--mute", "goodbye"], ["--mute goodbye: "]),
        (["--box"], ["--box: ", "--blur faces"]),
        (["--blur", "person", "--labels", "person"], ["--labels"]),
        (["--blur", "person", "--detail", "100"], ["--detail"]),
        (["--blur", "person", "--output", "x.mkv"], ["x.mkv", ".mp4"]),
    ],
)
def test_what_cannot_be_hidden_is_told_and_nothing_is_written(
    cli: Cli, result: Path, options: list[str], parts: list[str]
) -> None:
    told = cli("render", result, *options)
    assert told.code == 2
    assert all(part in told.err for part in parts), told.err
    assert sorted(path.name for path in result.parent.iterdir()) == ["clip.mp4", "clip_results.json"]


def test_without_the_model_for_faces_nothing_is_written(
    cli: Cli, result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "none"))
    told = cli("render", result, "--blur", "faces")
    assert told.code == 1
    assert "centerface" in told.err
    assert sorted(path.name for path in result.parent.iterdir()) == ["clip.mp4", "clip_results.json"]


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("where", ["look.StrictShots._shown", "redact._Covering.add"])
def test_a_kill_in_either_pass_leaves_no_video(result: Path, how: signal.Signals, where: str) -> None:
    module, _, names = where.partition(".")
    stuck = (
        "import sys, signal\n"
        "from framefleet.cli import main\n"
        f"from framefleet.outputs.redaction import {module} as module\n"
        "def stop(*_):\n"
        "    print('at work', flush=True)\n"
        "    signal.pause()\n"
        f"module.{names} = stop\n"
        "main(['render', sys.argv[1], '--blur', 'person'])\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", stuck, str(result)],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        cwd=result.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "at work\n"
        running.send_signal(how)
        running.communicate(timeout=60)
    assert running.returncode != 0
    seen = {file.name for file in result.parent.iterdir() if not file.name.startswith(".framefleet.")}
    assert seen == {"clip.mp4", "clip_results.json"}
    if how == signal.SIGINT:
        assert len(list(result.parent.iterdir())) == 2
