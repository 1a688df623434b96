"""Documents survive writing and reading, and nothing else is taken for one."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from msgspec.structs import replace

from framefleet.errors import InputError
from framefleet.schema.artifact import Artifact
from framefleet.schema.codec import decode, encode, json_schema, read_document
from framefleet.schema.document import FailureEntry
from framefleet.schema.objects import DetectedObject, Detection
from framefleet.schema.speech import (
    Segment,
    Skipped,
    Transcription,
    Word,
)
from framefleet.timebase import Span
from tests.conftest import ROOT
from tests.results.make import make_document, write_document

times = st.floats(0, 1e6).map(lambda value: round(value, 6))
shares = st.floats(0, 1)
objects = st.builds(DetectedObject, st.integers(0, 79), st.text(), shares, st.tuples(times, times, times, times))
detections = st.builds(Detection, st.integers(0, 10**6), times, st.none() | times, st.none() | st.lists(objects))
words = st.builds(Word, times, times, st.text(), shares)
segments = st.builds(Segment, times, times, st.text(), shares.map(lambda p: -p), shares, st.lists(words))
skipped = st.builds(Skipped, times, times, st.text())
transcriptions = st.builds(Transcription, st.none() | st.text(), st.text(), st.lists(segments), st.lists(skipped))
failures = st.builds(
    FailureEntry,
    stage=st.text(),
    items=st.none() | st.lists(st.integers(0)),
    span_s=st.none() | st.builds(Span, times, times),
    error=st.text(),
    attempts=st.integers(0, 99),
)
documents = st.builds(
    lambda seen, said, failed: replace(make_document(), detections=seen, transcription=said, failures=failed),
    st.lists(detections, max_size=4),
    st.none() | transcriptions,
    st.lists(failures, max_size=3),
)


@given(documents)
def test_what_is_written_is_read_and_is_as_the_schema_says(tmp_path_factory: pytest.TempPathFactory, document) -> None:
    path = tmp_path_factory.getbasetemp() / "document.json"
    write_document(document, path)
    assert read_document(path) == document
    Draft202012Validator(json_schema()).validate(json.loads(path.read_bytes()))


@given(st.data())
def test_a_part_of_a_document_is_none(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    content = encode(make_document()).rstrip()
    path = tmp_path_factory.getbasetemp() / "part.json"
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(InputError, match="not a complete FrameFleet document"):
        read_document(path)


@pytest.mark.parametrize(
    ("version", "why"),
    [
        ("0", "schema version 0, but this FrameFleet reads 1 and 2; run the video again"),
        ("3", "schema version 3, but this FrameFleet reads 1 and 2; update FrameFleet, or run the video again"),
        (
            "9" * 5000,
            f"schema version {'9' * 20}…, but this FrameFleet reads 1 and 2; update FrameFleet, or run the video again",
        ),
        ("²", "schema version ², but this FrameFleet reads 1 and 2; run the video again"),
        (1, "not a complete FrameFleet document: Expected `str`, got `int` - at `$.schema_version`"),
        (None, "not a complete FrameFleet document"),
    ],
)
def test_another_version_is_refused(tmp_path: Path, version: object, why: str) -> None:
    path = tmp_path / "document.json"
    path.write_text(json.dumps(json.loads(encode(make_document())) | {"schema_version": version}))
    with pytest.raises(InputError) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path}: {why}")


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"\xff", b'{"schema_version":"1"}', b"[" * 5000])
def test_what_is_no_document(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "document.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a complete FrameFleet document"):
        read_document(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_document(tmp_path / "nowhere.json")


def test_a_document_is_laid_out_to_be_looked_at() -> None:
    lines = encode(make_document()).decode().splitlines()
    assert lines[0] == "{"
    assert '"detections": [' in lines
    assert sum(line.startswith('  {"index":') and "pts_s" in line for line in lines) == 2
    assert not any(line.endswith(" ") for line in lines)


def test_artifacts_are_written_where_there_are_any() -> None:
    plain = make_document()
    assert b'"artifacts"' not in encode(plain)
    artifact = Artifact(sha256="ab" * 32, media_type="image/jpeg", bytes=3, start_s=1.5)
    content = encode(replace(plain, artifacts=[artifact]))
    assert content.startswith(encode(plain).removesuffix(b"\n}\n"))
    assert json.loads(content)["artifacts"] == [
        {"sha256": "ab" * 32, "media_type": "image/jpeg", "bytes": 3, "start_s": 1.5}
    ]
    assert decode(content).artifacts == [artifact]
    Draft202012Validator(json_schema()).validate(json.loads(content))


def test_the_published_schema_is_current() -> None:
    published = ROOT / "docs" / "schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema(), "run python scripts/write_schema.py"
    Draft202012Validator.check_schema(json_schema())


def test_the_schema_refuses_what_is_no_document() -> None:
    document = json.loads(encode(make_document()))
    validator = Draft202012Validator(json_schema())
    assert validator.is_valid(document)
    assert not validator.is_valid(document | {"schema_version": "1"})
    assert not validator.is_valid({name: value for name, value in document.items() if name != "failures"})


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", "a\\b", "nul\0", "Big", "x\n"])
def test_a_stage_whose_name_is_none_is_refused(name: str) -> None:
    """Files are named after it."""
    content = msgspec.to_builtins(make_document()) | {"results": {name: {"label": "found", "spans": []}}}
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.json.encode(content))
