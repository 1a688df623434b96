"""What a command loads before it does anything: modules are counted, not seconds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from framefleet.cli.help import COMMANDS
from tests.results.make import make_document, write_document

HEAVY = {"av", "cv2", "lap", "numpy", "requests", "scenedetect", "simplejpeg", "tenacity", "tqdm"}
MODELS = {"ctranslate2", "faster_whisper", "onnxruntime", "rapidocr"}
TYPERS_HELP = {"typer.rich_utils", "rich.markdown", "rich.traceback"}

pytestmark = pytest.mark.full


def loaded(*arguments: str) -> set[str]:
    """Every module that a fresh process has loaded when the command ends, which it is to do well."""
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))\n"
        "from framefleet.__main__ import command\n"
        "command()\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    modules: list[str] = json.loads(done.stderr.splitlines()[-1])
    return set(modules)


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_the_command_alone_loads_no_command(option: str) -> None:
    modules = loaded(option)
    assert not modules & (HEAVY | MODELS | TYPERS_HELP | {"msgspec"})
    assert not modules & {f"framefleet.cli.{name}" for name in COMMANDS}


def test_the_version_needs_no_rich() -> None:
    assert "rich" not in loaded("--version")


@pytest.mark.parametrize("command", ["run", "plan", "report", "show", "render", "doctor", "emulate"])
def test_help_of_a_command_loads_nothing_heavy(command: str) -> None:
    modules = loaded(command, "--help")
    assert not modules & (HEAVY | MODELS | TYPERS_HELP)
    assert not {name for name in modules if name.startswith("framefleet.stages.") and name.endswith(".stage")}


@pytest.mark.parametrize("more", [(), ("--label", "person", "--json"), ("--at", "0")])
def test_show_reads_a_document_and_loads_no_stage(tmp_path: Path, more: tuple[str, ...]) -> None:
    path = tmp_path / "clip_results.json"
    write_document(make_document(), path)
    modules = loaded("show", str(path), *more)
    assert not modules & (HEAVY | MODELS)
    assert not {name for name in modules if name.startswith("framefleet.stages.") and name.endswith(".stage")}
    assert not {name for name in modules if name.startswith(("framefleet.pipeline", "framefleet.journal"))}
