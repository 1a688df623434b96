"""The document is read and described by its own package alone: nothing else can change what it is, or has to load."""

import json
import sys
from importlib import import_module
from types import ModuleType

import pytest

import framefleet
from tests.conftest import ROOT
from tests.results.make import make_document

OWN = {"schema", "errors", "timebase"}
LIBRARIES = ("av", "cv2", "numpy", "onnxruntime", "requests", "rich", "tqdm", "typer")


@pytest.fixture
def codec(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`framefleet.schema.codec`, loaded anew where nothing else of the project and none of its libraries is there."""
    package = ROOT / "src" / "framefleet"
    others = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()} - OWN
    assert {"protocol", "stages", "media", "fleet", "results"} <= others
    barred = (*LIBRARIES, *(f"framefleet.{other}" for other in others))
    inside = tuple(f"{name}." for name in barred)
    for name in [*barred, *(name for name in sys.modules if name.startswith(inside))]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith(tuple(f"framefleet.{own}" for own in OWN))]:
        monkeypatch.delitem(sys.modules, name)
    for own in OWN:
        monkeypatch.setattr(framefleet, own, getattr(framefleet, own))  # importing sets it, so that it is set back
    return import_module("framefleet.schema.codec")


def test_the_published_schema_is_that_of_the_documents_types_alone(codec: ModuleType) -> None:
    published = (ROOT / "docs" / "schema.json").read_text(encoding="utf-8")
    assert json.loads(published) == codec.json_schema(), "run python scripts/write_schema.py"


def test_a_document_is_read_with_nothing_else_there(codec: ModuleType) -> None:
    from framefleet.schema.document import Document

    assert Document is not type(make_document())  # it is loaded anew
    for path in sorted((ROOT / "tests" / "schema" / "data").glob("*.json")):
        assert isinstance(codec.read_document(path), Document)
