"""Documents of version 1 are read as what they would be today, and lose nothing."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from framefleet.errors import InputError
from framefleet.schema.codec import (
    decode,
    encode,
    json_schema,
    read_document,
)
from framefleet.schema.document import Document
from tests.results.make import make_document
from tests.results.wild import wild_documents

DATA = Path(__file__).parent / "data"
SCENES = {"seen": "objects", "said": "speech", "heard": "sounds", "written": "text"}  # their fields then, and now

documents = pytest.mark.parametrize("path", [DATA / "first.json", DATA / "last.json"], ids=lambda path: path.stem)


def as_version_1(document: Document) -> dict[str, Any]:
    """The document as it would have been written then."""
    tree: dict[str, Any] = msgspec.to_builtins(document)
    tree["schema_version"] = "1"
    tree["config"]["ast_model"] = tree["config"].pop("sounds_model")
    tree["timing"]["sift"] = tree["timing"].pop("prefilter")
    for cost in tree["cost"]["stages"].values():
        del cost["remote"], cost["billed"]
    for scene in tree["scenes"] or ():
        scene.update({then: scene.pop(now) for then, now in SCENES.items()})
    return tree


def lacking(written: Any, read: Any, place: str = "$") -> list[str]:
    """Where `read` has not what is `written`; fields that came later it may have besides."""
    if isinstance(written, dict) and isinstance(read, dict):
        return [one for name in written for one in lacking(written[name], read.get(name, ...), f"{place}.{name}")]
    if isinstance(written, list) and isinstance(read, list | tuple) and len(written) == len(read):
        return [
            one for k, (a, b) in enumerate(zip(written, read, strict=True)) for one in lacking(a, b, f"{place}[{k}]")
        ]
    return [] if written == read else [place]


@documents
def test_all_that_is_written_is_read(path: Path) -> None:
    written, document = json.loads(path.read_bytes()), read_document(path)
    assert document.config.sounds_model == written["config"]["ast_model"] == "fake"
    assert set(document.timing.prefilter) == set(written["timing"]["sift"]) == {"text"}
    (scene, *_), (then, *_) = document.scenes or (), written["scenes"]
    assert (scene.objects, scene.speech, scene.sounds, scene.text) == ({"cat": 1}, "Hello", ["Speech"], ["EXIT"])
    assert [scene.objects, scene.speech, scene.sounds, scene.text] == [then[name] for name in SCENES]
    assert lacking(written, as_version_1(document)) == []


@documents
def test_it_is_written_as_version_2(path: Path) -> None:
    today = json.loads(encode(read_document(path)))
    assert today["schema_version"] == "2"
    Draft202012Validator(json_schema()).validate(today)
    assert decode(json.dumps(today).encode()) == read_document(path)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(wild_documents())
def test_whatever_it_holds(document: Document) -> None:
    read = decode(msgspec.json.encode(as_version_1(document)))
    assert as_version_1(read) == as_version_1(document)
    assert all(cost.remote == (cost.backend != "local") for cost in read.cost.stages.values())
    assert all(cost.billed == (cost.backend == "runpod") for cost in read.cost.stages.values())


@pytest.mark.parametrize(("then", "now"), [("sift text", "prefilter text"), ("decode sound", "decode sound")])
def test_a_bottleneck_has_todays_name(then: str, now: str) -> None:
    tree = as_version_1(make_document())
    tree["timing"]["bottleneck"] = then
    assert decode(msgspec.json.encode(tree)).timing.bottleneck == now


@pytest.mark.parametrize(
    ("part", "value"),
    [("config", None), ("scenes", [1]), ("scenes", {"seen": {}}), ("timing", [[]]), ("timing", "sift")],
)
def test_what_is_no_document_is_refused_as_today(tmp_path: Path, part: str, value: object) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(msgspec.json.encode(as_version_1(make_document()) | {part: value}))
    with pytest.raises(InputError, match=rf"not a complete FrameFleet document: Expected .* at `\$\.{part}"):
        read_document(path)
