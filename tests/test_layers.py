"""What may import what: the contracts of .importlinter, and what it cannot express."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_every_layer_imports_only_what_stands_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    cli = pytest.importorskip("importlinter.cli")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)  # it would turn off all loggers of this process
    assert cli.lint_imports(no_cache=True) == 0, "run `lint-imports`; it names the imports"


@pytest.mark.parametrize(
    ("endpoint", "stages"),
    [("yolo", ["objects"]), ("whisper", ["speech", "speakers"]), ("ast", ["sounds"]), ("ocr", ["text"])],
)
def test_an_endpoint_imports_its_stages_handle_and_nothing_else(endpoint: str, stages: list[str]) -> None:
    tree = ast.parse((ROOT / "endpoints" / endpoint / "handler.py").read_text(encoding="utf-8"))
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert plain == {"os", "runpod"}
    assert named - {"pathlib"} == {f"framefleet.stages.{stage}.worker.handler" for stage in stages}
