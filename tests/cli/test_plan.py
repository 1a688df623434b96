"""`framefleet plan`: nothing is decoded, sent or written."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from framefleet.config.loading import load_fleet
from framefleet.executors.planning import corpus_estimate
from framefleet.media.files.probe import probe
from framefleet.session import Session
from tests.cli.conftest import Told
from tests.media.make import make_video

Cli = Callable[..., Told]


def never(*arguments: Any, **more: Any) -> Any:
    raise AssertionError("a plan does nothing")


@pytest.fixture(autouse=True)
def nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("executor.decode_orders", "readers.decode_clips"):
        monkeypatch.setattr(f"framefleet.pipeline.{name}", never)
    for name in ("objects.stage.ObjectsStage", "speech.stage.SpeechStage"):
        monkeypatch.setattr(f"framefleet.stages.{name}.open_handler", never)
    monkeypatch.setattr("requests.Session.request", never)


def test_the_plan_of_a_run_here(cli: Cli, video: Path, tmp_path: Path) -> None:
    told = cli("plan", video, "--fps", 2, "--batch-size", 5)
    assert told.code == 0
    head, objects, speech, total = told.out.splitlines()
    assert head.endswith("clip.mp4: 6.0 s, 160×120, h264")
    assert objects.split(",")[0].split() == ["objects", "12", "frames", "in", "3", "requests"]
    assert "MB" not in objects  # nothing is sent
    assert "local" in objects
    assert speech.split(",")[0].split() == ["speech", "6", "s", "in", "1", "request"]
    assert "$0.0000" in total
    assert not (tmp_path / "output").exists()


def test_the_plan_of_a_run_over_http_costs(cli: Cli, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_YOLO_ENDPOINT", "abc")
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_x")
    told = cli("plan", video, "--price", 0.001, "--no-speech", "--max-workers", 1)
    assert told.code == 0
    assert "runpod" in told.out
    assert "MB" in told.out
    usd = float(told.out.split("s and $")[1].split(" ")[0])
    assert 0.005 <= usd <= 0.01  # a worker's five idle seconds and a little work, at a tenth of a cent


def test_what_run_takes_plan_takes(cli: Cli, video: Path) -> None:
    told = cli("plan", video, "-v", "--batch-size", 4)
    assert [line.strip() for line in told.out.splitlines() if line.strip().startswith("Batch")] == [
        "Batch 1/2: 4 frames",
        "Batch 2/2: 2 frames",
    ]
    assert "6 frames in 6 requests" in cli("plan", video, "--sequential").out


def test_without_sound_there_is_nothing_to_listen_to(cli: Cli, tmp_path: Path) -> None:
    told = cli("plan", make_video(tmp_path / "silent.mp4", frames=5, fps=5))
    assert "no audio: the video has no audio track" in told.out


def test_several_videos(cli: Cli, video: Path, tmp_path: Path) -> None:
    told = cli("plan", "missing.mp4", video)
    assert told.code == 3
    assert "missing.mp4: no such file" in told.line
    assert "clip.mp4: 6.0 s" in told.out
    assert told.out.splitlines()[-1].startswith("2 videos (1 cannot be read): about ")


def test_a_folder_is_priced_as_a_whole(cli: Cli, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_YOLO_ENDPOINT", "abc123")
    (tmp_path / "films").mkdir()
    make_video(tmp_path / "films" / "other.mp4", frames=10, fps=5)
    (tmp_path / "films" / "clip.mp4").write_bytes(video.read_bytes())
    lines = cli("plan", tmp_path / "films", "--no-speech", "--price", 1, "--max-workers", 1).out.splitlines()
    alone = [float(line.split("$")[1].split()[0]) for line in lines if line.startswith("  total")]
    least, most = (float(part.split()[0]) for part in lines[-1].split("$")[1:3])
    assert lines[-1].startswith("2 videos: about ")
    assert most == sum(alone)
    assert max(alone) <= least < most  # a worker that goes on to the next video idles once


def test_the_price_of_many_does_not_depend_on_their_order(
    video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has a request, and so one worker; the other has work for all."""
    monkeypatch.setenv("FRAMEFLEET_YOLO_ENDPOINT", "abc123")
    short = make_video(tmp_path / "short.mp4", frames=5, fps=5)
    with Session(fleet=load_fleet()) as session:
        flags: Any = {"stages": ("objects",), "batch_size": 1, "max_workers": 5, "price": 1.0, "output_dir": tmp_path}
        plans = [session.plan(one, **flags).plan.fleet for one in (short, video)]
    assert [plan.workers for (plan,) in plans] == [1, 5]
    assert corpus_estimate(plans).usd_least == corpus_estimate(plans[::-1]).usd_least >= 5 * 6


def test_a_plan_from_an_estimate_says_about(cli: Cli, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = cli("plan", video)
    assert "about 6.0 s" not in told.out.splitlines()[0]
    monkeypatch.setattr("framefleet.analysis.probe", lambda *asked: replace(probe(*asked), duration_from="estimated"))
    told = cli("plan", video)
    head, notice = told.out.splitlines()[:2]
    assert "about 6.0 s" in head
    assert "no duration in the file" in notice
