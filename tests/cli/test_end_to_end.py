"""The sample through the real command line, here and over HTTP, with the models that come with the project."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from framefleet.cli import main
from framefleet.config.options import Options
from framefleet.emulator.app import make_endpoint
from framefleet.emulator.serve import serving
from framefleet.schema.codec import json_schema, read_document
from framefleet.schema.document import Document
from framefleet.stages.registry import remote
from tests.conftest import API_KEY, ROOT

pytestmark = pytest.mark.full

MAIN = (remote()["objects"].stage, remote()["speech"].stage)
SAMPLE = ROOT / "samples" / "sample.mp4"


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The sample's documents by backend; both with the detector's native 416 pixels."""
    folder = tmp_path_factory.mktemp("results")
    endpoints = {f"{s.endpoint}-id": make_endpoint(s.open_handler(Options(whisper_model="tiny.en")), 2) for s in MAIN}
    with serving(endpoints, API_KEY) as url, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("RUNPOD_API_KEY", API_KEY)
        patch.setenv("RUNPOD_ENDPOINT_BASE_URL", url)
        for stage in MAIN:
            patch.setenv(f"FRAMEFLEET_{stage.endpoint.upper()}_ENDPOINT", f"{stage.endpoint}-id")
        for backend in ("local", "runpod"):
            with pytest.raises(SystemExit) as ended:
                stages = ["--stages", "objects,speech", "--backend", backend, "--output-dir", backend]
                main(["run", str(SAMPLE), "--imgsz", "416", "--whisper-model", "tiny.en", *stages])
            assert ended.value.code == 0
        yield {backend: folder / backend / "sample_results.json" for backend in ("local", "runpod")}


@pytest.fixture(params=["local", "runpod"])
def document(request: pytest.FixtureRequest, documents: dict[str, Path]) -> Document:
    return read_document(documents[request.param])


def test_what_is_seen(document: Document) -> None:
    assert [d.index for d in document.detections] == list(range(25))
    assert [d.time_s for d in document.detections] == [d.pts_s for d in document.detections] == list(range(25))
    labels = [{thing.label for thing in d.objects or () if thing.confidence >= 0.4} for d in document.detections]
    assert all("person" in seen for seen in labels[:10])
    assert any("cat" in seen for seen in labels[10:])
    assert any("cup" in seen for seen in labels[10:])
    assert not any({"cat", "cup"} & seen for seen in labels[:7])


def test_what_is_said(document: Document) -> None:
    assert document.transcription is not None
    words = document.transcription.text.lower()
    assert document.transcription.language == "en"
    assert "cat" in words
    assert "cup" in words or "coffee" in words
    assert "space" in words
    spoken = [word for segment in document.transcription.segments for word in segment.words]
    assert [word.start_s for word in spoken] == sorted(word.start_s for word in spoken)
    assert all(0 <= word.start_s <= word.end_s <= document.video.duration_s + 0.1 for word in spoken)


def test_what_is_recorded(document: Document) -> None:
    assert document.failures == []
    assert document.video.codec == "h264"
    assert document.config.yolo_imgsz == 416
    assert {name: [m.model for m in used] for name, used in document.provenance.models.items()} == {
        "objects": ["yolov3-tiny"],
        "speech": ["tiny.en"],
    }
    remote = document.config.backend["objects"] == "runpod"
    assert document.cost.stages["objects"].requests == (2 if remote else 3)  # pixels are handed on in parts of 32 MB
    assert (document.cost.usd > 0) == remote
    assert document.timing.wall_s >= document.timing.stages["objects"].busy_s > 0


def test_here_and_over_http_it_is_the_same(documents: dict[str, Path]) -> None:
    """What is sure, and the words. Sound travels as Opus but stays here as samples: commas and 0.5 s may differ."""
    here, there = (read_document(documents[backend]) for backend in ("local", "runpod"))
    # here the model gets pixels and there JPEGs: what is likelier than not is the same, to some pixels
    assert here.detections is not None
    assert there.detections is not None
    for one, other in zip(here.detections, there.detections, strict=True):
        assert (one.index, one.time_s, one.pts_s) == (other.index, other.time_s, other.pts_s)
        for some, all_ in ((one.objects, other.objects), (other.objects, one.objects)):
            for thing in some:
                alike = [overlap(thing.box, like.box) for like in all_ if like.label == thing.label]
                assert thing.confidence < 0.55 or max(alike, default=0) > 0.95
    assert here.transcription is not None
    assert there.transcription is not None
    assert words(here.transcription.text) == words(there.transcription.text)
    for ours, theirs in zip(here.transcription.segments, there.transcription.segments, strict=True):
        assert ours.start_s == pytest.approx(theirs.start_s, abs=0.5)
        assert ours.end_s == pytest.approx(theirs.end_s, abs=0.5)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


@pytest.mark.parametrize("backend", ["local", "runpod"])
def test_it_is_as_the_published_schema_says(documents: dict[str, Path], backend: str) -> None:
    Draft202012Validator(json_schema()).validate(json.loads(documents[backend].read_bytes()))


def test_as_a_program_of_its_own(tmp_path: Path) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "framefleet", "run", str(SAMPLE), "--no-speech", "--fps", "0.2", "--output-dir"]
    done = subprocess.run(
        [*command, str(tmp_path)], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0
    assert "person" in done.stdout
    assert len(read_document(tmp_path / "sample_results.json").detections) == 5
    again = subprocess.run(
        [*command[:-1], "--fps=0"], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "error: --fps 0: not valid\nhint: give a number above 0 up to 1000\n"


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)
