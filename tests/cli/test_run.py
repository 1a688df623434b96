"""`framefleet run` against workers that need no model: what is said, written and asked."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from tests.cli.conftest import Told, sees_a_person
from tests.media.make import make_video

Cli = Callable[..., Told]
Fleet = Callable[..., Any]
Read = Callable[[], Document]


@pytest.mark.full
def test_a_run_writes_a_document_and_a_short_summary(cli: Cli, fleet: Fleet, video: Path, document: Read) -> None:
    fleet()
    told = cli("run", video)
    assert told.code == 0
    written = document()
    assert [d.index for d in written.detections] == list(range(6))
    assert all(d.objects and d.objects[0].label == "person" for d in written.detections)
    assert written.transcription is not None
    assert written.transcription.text == "Hello"
    assert written.failures == []
    lines = told.out.splitlines()
    assert lines[0].endswith("clip.mp4: 6.0 s, 6 frames")
    names = [line[2:10].strip() for line in lines[1:]]
    assert [name for name in names if name] == ["seen", "said", "took", "time", "results"]
    assert next(line.split() for line in lines if "person" in line)[:5] == ["seen", "person", "6", "0:00.0", "0:05.0"]
    assert "Hello" in told.out
    assert str(Path("output") / "clip_results.json") in told.out


@pytest.mark.full
def test_the_folder_for_results_has_a_short_option(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    assert cli("run", video, "-o", "elsewhere").code == 0
    assert (Path("elsewhere") / "clip_results.json").exists()
    assert "already answered" in cli("plan", video, "-o", "elsewhere").out


@pytest.mark.full
def test_verbose_tells_a_line_for_each_request(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    told = cli("run", video, "--batch-size", 4, "-v")
    batches = [line for line in told.err.splitlines() if line.startswith("Batch ")]
    assert sorted(line.split(",")[0] for line in batches) == ["Batch 1/2: 4 frames", "Batch 2/2: 2 frames"]
    for line in batches:
        assert line.endswith(" frames/s)")
        float(line.split(", ")[1].split(" s (")[0])
    assert any(line.startswith("Chunk 1/1: ") for line in told.err.splitlines())


@pytest.mark.full
def test_without_verbose_there_are_plain_lines_and_no_bars(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    told = cli("run", video)
    assert "\r" not in told.err
    assert "Batch" not in told.err
    assert "objects: 6 frames in 1 request, runpod" in told.err


def test_sequential_asks_for_one_frame_at_a_time_and_numbers_them_by_index(cli: Cli, fleet: Fleet, video: Path) -> None:
    asked: list[list[int]] = []
    at_once: list[int] = []
    busy = threading.Semaphore(1)

    def worker(job: dict[str, Any]) -> dict[str, Any]:
        at_once.append(busy.acquire(blocking=False))
        asked.append([frame["index"] for frame in job["input"]["source"]["frames"]])
        busy.release()
        return sees_a_person(job)

    fleet(yolo=worker, workers=3)
    told = cli("run", video, "--sequential", "--fps", 2)
    assert asked == [[index] for index in range(12)]
    assert all(at_once)
    lines = [line for line in told.err.splitlines() if line.startswith("Frame")]
    assert [line.split(" (")[0] for line in lines] == [f"Frame {n}/12: 1 object" for n in range(1, 13)]
    assert "not transcribed" in told.out


def test_options_reach_the_worker_and_the_document(cli: Cli, fleet: Fleet, video: Path, document: Read) -> None:
    asked: list[Any] = []

    def worker(job: dict[str, Any]) -> dict[str, Any]:
        asked.append(job["input"])
        return sees_a_person(job)

    fleet(yolo=worker)
    flags = ["--conf", 0.3, "--iou", 0.6, "--imgsz", 640, "--classes", "person,bus", "--crop", "10,20,100,80"]
    assert cli("run", video, *flags, "--no-speech", "--jpeg-quality", 70).code == 0
    (request,) = asked
    assert (request["conf"], request["iou"], request["imgsz"], request["classes"]) == (0.3, 0.6, 640, [0, 5])
    assert (request["source_width"], request["source_height"]) == (100, 80)
    written = document()
    assert (written.config.yolo_conf, written.config.yolo_classes, written.config.jpeg_quality) == (0.3, [0, 5], 70)
    assert written.transcription is None
    assert written.detections[0].objects is not None
    assert written.detections[0].objects[0].box == (11.0, 22.0, 40.0, 60.0)  # from the crop's pixels to the source's


def test_of_several_videos_one_that_is_missing_stops_no_other(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path
) -> None:
    fleet()
    other = make_video(tmp_path / "other.mkv", frames=10, fps=5)
    told = cli("run", video, tmp_path / "missing.mp4", other, "--no-speech")
    assert told.code == 3
    assert "missing.mp4: no such file" in told.err
    results = {"clip_results.json", "other_results.json"}
    assert {p.name for p in (tmp_path / "output").glob("*.json")} == results | {"corpus.json"}
    for name in ("clip.mp4", "other.mkv"):
        assert f"{name}: objects: done" in told.err.splitlines()


def test_of_one_video_no_line_has_to_name_it(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    assert "objects: done" in cli("run", video, "--no-speech").err.splitlines()


def test_the_same_video_again_replaces_its_document(cli: Cli, fleet: Fleet, video: Path, document: Read) -> None:
    fleet()
    cli("run", video, "--no-speech")
    assert cli("run", video, "--no-speech", "--fps", 2).code == 0
    assert len(document().detections) == 12


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Another video of the name `clip.mp4`, in another folder."""
    (tmp_path / "second").mkdir()
    return make_video(tmp_path / "second" / "clip.mp4", frames=10, fps=5)


@pytest.mark.full
def test_videos_of_one_name_have_results_of_their_own(
    cli: Cli, fleet: Fleet, video: Path, second: Path, tmp_path: Path
) -> None:
    fleet()
    for command in ("plan", "run", "run"):  # again under the same names
        told = cli(command, video, second, "--no-speech")
        assert told.code == 0
        for name in (f"{tmp_path.name}_clip_results.json", "second_clip_results.json"):
            assert f"output/{name}" in told.out
    written = sorted((tmp_path / "output").glob("*_results.json"))
    assert {path.name: read_document(path).video.path for path in written} == {
        f"{tmp_path.name}_clip_results.json": str(video),
        "second_clip_results.json": str(second),
    }


@pytest.mark.full
def test_a_name_that_an_earlier_run_has_taken(
    cli: Cli, fleet: Fleet, video: Path, second: Path, tmp_path: Path
) -> None:
    fleet()
    cli("run", video, "--no-speech")
    for command in ("plan", "run", "run"):
        told = cli(command, second, "--no-speech")
        assert told.code == 0
        assert (
            f"writing results to second_clip_results.json: clip_results.json has the results of {video}"
            in told.out + told.err
        )
    assert cli("run", video, "--no-speech").code == 0
    written = sorted((tmp_path / "output").glob("*_results.json"))
    assert [path.name for path in written] == ["clip_results.json", "second_clip_results.json"]
    assert [len(read_document(path).detections or ()) for path in written] == [6, 2]


def test_a_video_that_has_changed_since_does_not_replace_its_results(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    cli("run", video, "--no-speech")
    make_video(video, frames=10, fps=5)
    told = cli("run", video, "--no-speech")
    assert told.code == 2
    assert told.line.endswith(
        "clip_results.json: holds the results of another video; move it or give another output folder"
    )


def test_without_sound_it_says_so(cli: Cli, fleet: Fleet, tmp_path: Path, document: Read) -> None:
    fleet()
    assert cli("run", make_video(tmp_path / "silent.mp4", frames=10, fps=5)).code == 0
    transcription = document().transcription
    assert transcription is not None
    (skipped,) = transcription.skipped
    assert (skipped.start_s, skipped.end_s, skipped.reason) == (0.0, 2.0, "no audio stream")


@pytest.mark.parametrize("name", ["two words.mp4", "фильм 映画.mp4", "a & b.mp4", "100%;$HOME.mp4", "-dash.mp4"])
def test_any_name_is_a_name(cli: Cli, fleet: Fleet, video: Path, name: str, document: Read) -> None:
    fleet()
    copy(video, name)  # where the test stands, so that the dash comes first
    assert cli("run", "--no-speech", "--", name).code == 0
    assert document().video.path == name


def test_a_name_that_is_no_text_is_written_as_well_as_can_be(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    name = b"caf\xe9.mp4".decode("utf-8", "surrogateescape")
    try:
        copy(video, name)
    except OSError:
        pytest.skip("this file system takes text alone")
    told = cli("run", name, "--no-speech")
    assert told.code == 0
    (path,) = Path("output").glob("*.json")
    assert json.loads(path.read_bytes())["video"]["path"] == "caf\ufffd.mp4"


@pytest.mark.full
def test_one_stage_on_an_endpoint_and_one_here_is_told(
    cli: Cli, fleet: Fleet, video: Path, monkeypatch: pytest.MonkeyPatch, document: Read
) -> None:
    fleet()
    monkeypatch.delenv("FRAMEFLEET_WHISPER_ENDPOINT")
    told = cli("run", video)
    assert "speech: no whisper endpoint configured; runs on this machine" in told.err
    assert document().config.backend == {"objects": "runpod", "speech": "local"}
