"""docs/extending.md: its stage is run as it stands there."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from framefleet.analysis import execute, prepare
from framefleet.config.loading import load_options
from framefleet.schema.codec import read_document
from framefleet.stages.registry import registered
from tests.conftest import ROOT
from tests.media.make import make_video

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return found[number]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The page's stage as a module, declared."""
    (tmp_path / "describe_scenes.py").write_text(block("python"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    made = importlib.import_module("describe_scenes")
    with registered(made.SPEC):
        yield made
    del sys.modules["describe_scenes"]


def test_it_is_short() -> None:
    assert len(block("python").splitlines()) < 100


def test_its_stage_describes_scenes(emulate: Any, module: ModuleType, tmp_path: Path) -> None:
    video = make_video(tmp_path / "film.mp4", frames=20, fps=10, size=(128, 96))
    (tmp_path / "scenes.json").write_text("[[0, 1], [1, 2]]")
    (tmp_path / "framefleet.toml").write_text(block("toml", 1).replace("640, 360", "64, 48"), encoding="utf-8")
    service = emulate(describe=module.handler)
    flags = {"stages": "describe", "scenes": "scenes.json"}
    prepared = prepare(video, load_options(flags, environ={}, folder=tmp_path), service.fleet)
    execute(prepared)
    document = read_document(prepared.path)
    assert [scene.results["description"][0][-6:] for scene in document.scenes] == ["bytes.", "bytes."]
    assert document.config.stages["describe"]["question"] == "Who is in it?"
    assert document.config.stages["describe"]["crop"] == {"x": 0, "y": 0, "width": 64, "height": 48}


def test_its_entry_point_leads_to_the_stage(module: ModuleType) -> None:
    path, _, name = re.search(r'^describe = "(\w+)(:)(\w+)"$', block("toml"), re.MULTILINE).groups()
    assert getattr(importlib.import_module(path), name) is module.SPEC
