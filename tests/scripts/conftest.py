"""The scripts are no package: their folder goes on the path, as it does when one of them is run."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scripts_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the scripts in it and little else, at a path that needs quoting."""
    root = tmp_path / "a & b (ü)"
    shutil.copytree(ROOT / "scripts", root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "requirements", root / "requirements")
    for name in ("pyproject.toml", "process_parallel.sh", "process_parallel.bat"):
        shutil.copy(ROOT / name, root)
    return root


@pytest.fixture
def environment(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/environment.py of that checkout."""
    monkeypatch.syspath_prepend(checkout / "scripts")
    return load(checkout / "scripts" / "environment.py")


@pytest.fixture
def wheels() -> ModuleType:
    return load(ROOT / "scripts" / "wheels.py")


@pytest.fixture
def positional() -> ModuleType:
    return load(ROOT / "scripts" / "positional.py")
