"""A folder for RunPod's Hub builds by itself: all that its Dockerfile copies is there, and enough for the handler."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.scripts.conftest import ROOT, load

pytestmark = pytest.mark.full

ENDPOINTS = ["yolo", "whisper", "ast", "ocr"]


@pytest.fixture
def hub() -> ModuleType:
    return load(ROOT / "scripts" / "hub_folders.py")


def copies(folder: Path) -> list[tuple[list[str], str]]:
    """The Dockerfile's COPY lines: sources and target."""
    lines = (folder / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    words = [line.split()[1:] for line in lines if line.startswith("COPY ")]
    return [(found[:-1], found[-1]) for found in words]


def test_the_hub_finds_what_it_looks_for_at_the_root(tmp_path: Path) -> None:
    script = [sys.executable, str(ROOT / "scripts" / "hub_folders.py"), str(tmp_path / "out")]
    done = subprocess.run(script, check=True, capture_output=True, text=True, cwd=tmp_path)
    assert [Path(line).name for line in done.stdout.splitlines()] == ENDPOINTS
    for kind in ENDPOINTS:
        folder = tmp_path / "out" / kind
        for name in ("Dockerfile", "handler.py", "README.md", "LICENSE", ".runpod/hub.json", ".runpod/tests.json"):
            assert (folder / name).is_file(), name
        assert not list(folder.rglob("__pycache__"))
        assert not (folder / "endpoints").exists() and "endpoints/" not in (folder / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("kind", ENDPOINTS)
def test_all_that_the_dockerfile_copies_is_there_and_the_handler_imports_on_it(
    hub: ModuleType, tmp_path: Path, kind: str
) -> None:
    folder = hub.lay_out(kind, tmp_path / "out")
    image = tmp_path / "image"
    assert copies(folder)
    for sources, target in copies(folder):  # as a build would
        for source in sources:
            assert (folder / source).exists(), source
            into = image / target.lstrip("/")
            if (folder / source).is_dir():
                shutil.copytree(folder / source, into, dirs_exist_ok=True)
            else:
                place = into / Path(source).name if target.endswith("/") else into
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(folder / source, place)
    told = "import handler, framefleet; print(handler.__file__, framefleet.__file__, sep='\\n')"
    environ = {**os.environ, "PYTHONPATH": str(image / "app"), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", told], check=False, capture_output=True, text=True, cwd=tmp_path, env=environ
    )
    assert ran.returncode == 0, ran.stderr
    assert all(Path(line).is_relative_to(image) for line in ran.stdout.splitlines())


def test_laid_out_again_only_its_own_is_replaced(hub: ModuleType, tmp_path: Path) -> None:
    folder = hub.lay_out("yolo", tmp_path)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").touch()
    (folder / "src" / "old.py").touch()
    (folder / "old.txt").touch()
    hub.lay_out("yolo", tmp_path)
    assert (folder / ".git" / "HEAD").exists()
    assert not (folder / "src" / "old.py").exists() and not (folder / "old.txt").exists()


def test_a_folder_of_somebody_else_is_left_alone(hub: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "yolo").mkdir()
    (tmp_path / "yolo" / "mine.txt").touch()
    with pytest.raises(hub.LayoutError, match="holds something else"):
        hub.lay_out("yolo", tmp_path)
    assert [path.name for path in (tmp_path / "yolo").iterdir()] == ["mine.txt"]
