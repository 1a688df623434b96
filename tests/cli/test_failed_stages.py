"""What nobody answered is not what nobody found: in the document, at the end of a run, to questions."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.schema.document import Document
from tests.cli.conftest import WORKER, Told
from tests.conftest import full

Cli = Callable[..., Told]
Fleet = Callable[..., Any]
Read = Callable[[], Document]


def broken(job: dict[str, Any]) -> dict[str, Any]:
    return {"error": "invalid_input: it broke"}


def blind(job: dict[str, Any]) -> dict[str, Any]:
    """A worker that answers, and could look at no picture."""
    frames = job["input"]["source"]["frames"]
    key = "objects" if "conf" in job["input"] else "lines"
    told = [{"index": f["index"], "time_s": f["time_s"], key: None, "error": "it broke"} for f in frames]
    return WORKER | {"frames": told}


@pytest.mark.full
@pytest.mark.parametrize("eyes", [broken, blind])
def test_what_failed_altogether_is_null_and_said_to_have_failed(
    cli: Cli, fleet: Fleet, video: Path, document: Read, eyes: Any
) -> None:
    fleet(yolo=eyes, ocr=eyes, ast=broken)
    told = cli("run", video, "--stages", "all", "--no-vad")
    assert told.code == 3
    written = document()
    assert [one.objects for one in written.detections or ()] == [None] * 6
    assert (written.tracks, written.sounds, written.text) == (None, None, None)
    assert written.transcription is not None
    lines = told.out.splitlines()
    for line in ("  seen       failed", "  heard      failed", "  written    failed"):
        assert line in lines
    place = next(number for number, line in enumerate(lines) if line.startswith("  failed"))
    assert [line[13:].split(":")[0] for line in lines[place : place + 3]] == ["objects", "sounds", "text"]
    assert all("it broke" in line for line in lines[place : place + 3])
    assert not any(line.endswith(" nothing") for line in lines)


@pytest.mark.full
@pytest.mark.parametrize(
    ("question", "stage"),
    [("--label", "objects"), *full(("--say", "speech"), ("--sound", "sounds"), ("--text", "text"))],
)
def test_to_a_question_it_says_so_and_not_nowhere(
    cli: Cli, fleet: Fleet, video: Path, question: str, stage: str
) -> None:
    fleet(yolo=broken, ocr=broken, ast=broken, whisper=broken)
    cli("run", video, "--stages", "all", "--no-vad")
    told = cli("show", "output/clip_results.json", question, "cat")
    assert told.code == 1
    assert f"unknown: {stage} failed (" in told.out
    assert "it broke" in told.out
    as_json = json.loads(cli("show", "output/clip_results.json", question, "cat", "--json").out)
    assert as_json == {question.removeprefix("--"): None}
    everything = json.loads(cli("show", "output/clip_results.json", "--json").out)
    assert everything.pop("looks")  # which needs no endpoint
    assert everything == dict.fromkeys(("seen", "heard", "written"))


def test_what_failed_in_part_is_said_of_what_is_not_found(cli: Cli, fleet: Fleet, video: Path) -> None:
    def half_blind(job: dict[str, Any]) -> dict[str, Any]:
        told = blind(job)["frames"]
        return WORKER | {"frames": [told[0] | {"objects": [], "error": None}, *told[1:]]}

    fleet(yolo=half_blind)
    told = cli("run", video, "--stages", "objects,tracks")
    assert told.code == 3
    assert "  seen       nothing" in told.out.splitlines()
    assert "no cat (objects failed partly)" in cli("show", "output/clip_results.json", "--label", "cat").out


def test_scenes_alone_that_fail_are_an_error(
    cli: Cli, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def boom(*_: Any) -> None:
        raise ValueError("it broke")

    monkeypatch.setattr("framefleet.stages.scenes.watcher.SceneWatcher.see", boom)
    told = cli("run", video, "--stages", "scenes")
    assert told.code == 1
    assert "every stage failed" in told.err
    assert not list(tmp_path.rglob("*.json"))
