"""A service that is wrong, away or failing: what is said, what is written, and never the key."""

import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.schema.document import Document
from tests.cli.conftest import Told, sees_a_person
from tests.conftest import API_KEY, full_but
from tests.media.make import make_video

pytestmark = pytest.mark.full

Cli = Callable[..., Told]
Fleet = Callable[..., Any]
Read = Callable[[], Document]


def refuse(job: dict[str, Any]) -> dict[str, Any]:
    return {"error": "invalid_input: this worker refuses everything"}


def refuse_from(index: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A worker that cannot serve the batch that begins with that picture."""

    def worker(job: dict[str, Any]) -> dict[str, Any]:
        first = job["input"]["source"]["frames"][0]["index"]
        return refuse(job) if first == index else sees_a_person(job)

    return worker


def test_a_wrong_key(cli: Cli, fleet: Fleet, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    fleet(yolo=lambda job: asked.append(job) or sees_a_person(job))
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_WRONG")
    told = cli("run", video)
    assert told.code == 1
    assert "RunPod refuses the key (401); check RUNPOD_API_KEY" in told.line
    assert "rpa_WRONG" not in told.err
    assert not asked
    assert not list(tmp_path.rglob("*.json"))


def test_no_key(cli: Cli, fleet: Fleet, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet()
    monkeypatch.delenv("RUNPOD_API_KEY")
    told = cli("run", video)
    assert told.code == 1
    assert told.line == "error: RUNPOD_API_KEY is not set; set it, or use --backend local"


@pytest.mark.parametrize("key", ["rpa_SECRET\nX-Other: 1", "rpa_SECRET…", "rpa SECRET", "rpa_SECRET\x00"])
def test_a_key_that_is_none_is_not_quoted(
    cli: Cli, fleet: Fleet, video: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    from framefleet.config.loading import load_fleet
    from framefleet.errors import UsageError

    fleet()
    with pytest.raises(UsageError, match="RUNPOD_API_KEY: has characters that no key has") as caught:
        load_fleet(environ={"RUNPOD_API_KEY": key})
    assert "SECRET" not in str(caught.value)
    if "\x00" not in key:  # no environment can hold that one
        monkeypatch.setenv("RUNPOD_API_KEY", key)
        told = cli("run", video)
        assert told.code == 2
        assert "SECRET" not in told.err


def test_an_endpoint_that_is_not_there(cli: Cli, fleet: Fleet, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet()
    monkeypatch.setenv("FRAMEFLEET_WHISPER_ENDPOINT", "gone")
    told = cli("run", video)
    assert told.code == 1
    assert "gone" in told.line
    assert "not found" in told.line


def test_a_service_that_is_away(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path, deaf_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet()
    monkeypatch.setenv("RUNPOD_ENDPOINT_BASE_URL", f"http://127.0.0.1:{deaf_port}")
    told = cli("run", video, "--patience-s", 0.1)
    assert told.code == 1
    _, trying, gave_up, hint = told.err.splitlines()  # after the video that is read
    assert hint.startswith("hint: ")
    assert "cannot be reached" in gave_up
    assert trying.endswith("retrying for up to 0.1 s")
    assert not list(tmp_path.rglob("*.json"))


def test_one_failing_batch_costs_its_own_pictures_alone(cli: Cli, fleet: Fleet, video: Path, document: Read) -> None:
    fleet(yolo=refuse_from(2))
    told = cli("run", video, "--batch-size", 2)
    assert told.code == 3
    written = document()
    assert [d.objects is None for d in written.detections] == [False, False, True, True, False, False]
    (failure,) = written.failures
    assert (failure.stage, failure.items, failure.span_s) == ("objects", [2, 3], None)
    assert "this worker refuses everything" in failure.error
    assert written.transcription is not None
    assert written.transcription.text == "Hello"
    assert "2 frames" in told.out


def test_one_bad_picture_costs_itself_alone(cli: Cli, fleet: Fleet, video: Path, document: Read) -> None:
    def worker(job: dict[str, Any]) -> dict[str, Any]:
        reply = sees_a_person(job)
        for frame in reply["frames"]:
            if frame["index"] == 4:
                frame |= {"objects": None, "error": "not a JPEG"}
        return reply

    fleet(yolo=worker)
    assert cli("run", video).code == 3
    written = document()
    assert [d.index for d in written.detections if d.objects is None] == [4]
    assert [(f.items, f.error) for f in written.failures] == [([4], "not a JPEG")]


def test_when_every_batch_fails_there_is_no_document(cli: Cli, fleet: Fleet, video: Path, tmp_path: Path) -> None:
    fleet(yolo=refuse, whisper=refuse)
    told = cli("run", video, "--batch-size", 2)
    assert told.code == 1
    assert told.err.splitlines()[-1].startswith("error: every stage failed: ")
    assert told.err.count("refuses everything") == 3  # once a stage, and the last line
    assert not list(tmp_path.rglob("*.json"))


def test_one_stage_failing_leaves_the_other(cli: Cli, fleet: Fleet, video: Path, document: Read) -> None:
    fleet(whisper=refuse)
    assert cli("run", video).code == 3
    written = document()
    assert all(d.objects for d in written.detections)
    assert written.transcription is None
    (failure,) = written.failures
    assert failure.stage == "speech"
    assert failure.items is None
    assert failure.span_s is not None
    assert (failure.span_s.start_s, round(failure.span_s.end_s)) == (0.0, 6)


def test_the_key_is_nowhere(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fleet(yolo=refuse_from(2))
    told = cli("run", video, "--batch-size", 2, "-v")  # `cli` itself looks for it everywhere
    assert told.code == 3
    assert any(record.name.startswith("urllib3") and record.levelno == logging.DEBUG for record in caplog.records)
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and API_KEY.encode() in p.read_bytes()]


def test_one_stage_that_cannot_even_begin_leaves_the_other(
    cli: Cli, fleet: Fleet, video: Path, monkeypatch: pytest.MonkeyPatch, document: Read
) -> None:
    fleet()
    monkeypatch.delenv("FRAMEFLEET_YOLO_ENDPOINT")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    told = cli("run", video, "--batch-size", 2)
    assert told.code == 3
    written = document()
    assert [d.objects for d in written.detections] == [None] * 6
    assert sorted(index for failure in written.failures for index in failure.items or ()) == list(range(6))
    assert all("onnxruntime is not installed" in failure.error for failure in written.failures)
    assert written.transcription is not None
    assert written.transcription.text == "Hello"


def test_a_stage_with_nothing_to_do_is_no_success(cli: Cli, fleet: Fleet, tmp_path: Path) -> None:
    fleet(yolo=refuse)
    told = cli("run", make_video(tmp_path / "silent.mp4", frames=10, fps=5))
    assert told.code == 1
    assert not list(tmp_path.rglob("*.json"))


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "fails": lambda job: {"error": "RuntimeError: CUDA error: no kernel image is available"},
    "refuses": refuse,
    "a list": lambda job: [sees_a_person(job)],
    "text": lambda job: "https://storage.invalid/result.json",
    "nothing": lambda job: None,
    "another stage's": lambda job: {"model": "m", "model_id": "0", "language": "en", "segments": []},
    "each picture failed": lambda job: sees_a_person(job) | {"frames": _failed(sees_a_person(job)["frames"])},
}


def takes_a_moment() -> None:
    """Some milliseconds: what takes less than half of one, the service does not count."""
    sum(range(200_000))


def _failed(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [frame | {"objects": None, "error": "CUDA error"} for frame in frames]


@pytest.mark.parametrize("kind", full_but(list(BROKEN)[:2], BROKEN))
def test_an_endpoint_that_is_never_good_ends_the_run_and_what_it_cost_is_said(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path, kind: str
) -> None:
    asked: list[Any] = []
    fleet(yolo=lambda job: asked.append(job) or takes_a_moment() or BROKEN[kind](job))
    told = cli("run", video, "--stages", "objects", "--fps", 5, "--batch-size", 2)  # 15 requests
    assert told.code == 1
    assert len(asked) <= 15
    last = told.err.splitlines()[-1]
    assert "requests in a row failed and none was answered" in last
    assert re.search(r"about \$0\.0\d+ spent on \d+ jobs", last)
    assert told.err.count("requests in a row failed") == 2  # when the stage ends, and in the last line
    assert not list(tmp_path.rglob("*.json"))


def test_a_stage_that_is_given_up_leaves_the_other(cli: Cli, fleet: Fleet, video: Path, document: Read) -> None:
    fleet(yolo=lambda job: takes_a_moment() or BROKEN["fails"](job))
    told = cli("run", video, "--fps", 5, "--batch-size", 2)
    assert told.code == 3
    written = document()
    assert written.transcription is not None
    assert {failure.stage for failure in written.failures} == {"objects"}
    assert written.cost.stages["objects"].usd > 0


def test_one_poisoned_picture_is_named_and_the_others_are_answered(
    cli: Cli, fleet: Fleet, video: Path, document: Read
) -> None:
    def worker(job: dict[str, Any]) -> dict[str, Any]:
        indexes = [frame["index"] for frame in job["input"]["source"]["frames"]]
        return {"error": "RuntimeError: it died"} if 7 in indexes else sees_a_person(job)

    fleet(yolo=worker)
    told = cli("run", video, "--stages", "objects", "--fps", 5, "--batch-size", 16)
    assert told.code == 3
    written = document()
    assert [d.index for d in written.detections if d.objects is None] == [7]
    (failure,) = written.failures
    assert (failure.items, failure.error) == ([7], "RuntimeError: it died")
    assert "failed but" in told.err


def test_an_error_tells_a_program_what_was_spent(fleet: Fleet, video: Path) -> None:
    from framefleet.errors import HopelessError
    from framefleet.session import analyze

    fleet(yolo=lambda job: takes_a_moment() or BROKEN["fails"](job))
    with pytest.raises(HopelessError, match="CUDA error") as caught:
        analyze(video, stages="objects", fps=5, batch_size=2)
    assert re.fullmatch(r"about \$0\.0\d+ spent on \d+ jobs \(\d+\.\d s\)", caught.value.__notes__[0])


def test_an_endpoint_that_refuses_all_requests_for_being_too_many(
    cli: Cli, fleet: Fleet, video: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from framefleet.emulator.faults import Fault

    monkeypatch.setattr("framefleet.fleet.execution.stall.LOOK_S", 0.05)
    monkeypatch.setattr("framefleet.emulator.faults.Faults.possible", True)
    monkeypatch.setattr(
        "framefleet.emulator.faults.Faults.of_request",
        lambda self, subject: Fault.TOO_MANY if subject.startswith("run/") else None,
    )
    asked: list[Any] = []
    fleet(yolo=lambda job: asked.append(job) or sees_a_person(job))
    told = cli("run", video, "--stages", "objects", "--fps", 5, "--batch-size", 1, "--patience-s", 1)  # 30 requests
    assert told.code == 1
    assert not asked
    assert "waiting; endpoint yolo-id: too many requests (429)" in told.err
    assert "no progress for 1 s" in told.err.splitlines()[-1]
    assert told.err.rstrip().endswith("nothing spent")
