"""`framefleet run` of many videos: rows as they finish, one table, and `corpus.json`."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from framefleet.cancel import CancelScope
from framefleet.cli.many import ctrl_c_cancels
from framefleet.cli.output.bars import Bars
from framefleet.cli.output.videos import VideoProgress, ending, names_of_lines
from framefleet.config.options import Options
from framefleet.errors import CancelledError, InputError, Interrupted
from framefleet.executors.base import Task, VideoOutcome
from framefleet.progress import ItemDone, Notice, StageDone, StageStarted
from tests.cli.conftest import Told, sees_a_person
from tests.media.make import make_video

Cli = Callable[..., Told]
Fleet = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, video: Path) -> Path:
    """Two videos, and a file that only calls itself one."""
    made = tmp_path / "films"
    made.mkdir()
    copy(video, made / "one.mp4")
    make_video(made / "two.mkv", frames=10, fps=5)
    (made / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(500))
    return made


def table(output: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((output / "corpus.json").read_bytes())
    return found


def test_a_folder_with_a_broken_file_has_a_row_for_each(cli: Cli, fleet: Fleet, folder: Path, tmp_path: Path) -> None:
    fleet()
    run = cli("run", folder, "--no-speech", "--videos", 2, "-o", "out", "--price", 1)
    assert run.code == 3
    for name in ("one.mp4", "two.mkv"):
        assert any(line.startswith(f"{name}: done, ") for line in run.out.splitlines())
    written = table(tmp_path / "out")
    rows = {Path(row["video"]).name: row for row in written["videos"]}
    assert [*rows] == ["broken.mp4", "one.mp4", "two.mkv"]
    assert {name: row["status"] for name, row in rows.items()} == {
        "broken.mp4": "failed",
        "one.mp4": "done",
        "two.mkv": "done",
    }
    assert rows["broken.mp4"]["document"] is None and rows["broken.mp4"]["error"]
    for name in ("one.mp4", "two.mkv"):
        row = rows[name]
        assert json.loads(Path(row["document"]).read_bytes())["video"]["path"] == row["video"]
        assert row["usd"] > 0 and row["seconds"] > 0 and row["error"] is None
    assert (written["done"], written["part"], written["failed"]) == (2, 0, 1)
    assert written["usd"] == pytest.approx(sum(row["usd"] for row in written["videos"]), abs=1e-5)


def test_the_table_of_a_folder_grows_and_the_later_run_of_a_video_counts(
    cli: Cli, fleet: Fleet, folder: Path, video: Path, tmp_path: Path
) -> None:
    fleet()
    gone = folder / "one.mp4"
    assert cli("run", folder / "two.mkv", folder / "later.mp4", "--no-speech").code == 3
    copy(gone, folder / "later.mp4")
    assert cli("run", gone, folder / "later.mp4", "--no-speech").code == 0
    rows = table(tmp_path / "output")["videos"]
    assert [(Path(row["video"]).name, row["status"]) for row in rows] == [
        ("later.mp4", "done"),
        ("one.mp4", "done"),
        ("two.mkv", "done"),
    ]


def test_videos_that_all_fail_alike_end_with_their_own_code(cli: Cli, fleet: Fleet, tmp_path: Path) -> None:
    fleet()
    assert cli("run", "gone.mp4", "away.mp4", "--no-speech").code == 2
    assert [row["status"] for row in table(tmp_path / "output")["videos"]] == ["failed", "failed"]


def test_one_video_has_no_table_unless_a_number_of_videos_is_given(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path
) -> None:
    fleet()
    cli("run", video, "--no-speech")
    assert not (tmp_path / "output" / "corpus.json").exists()
    cli("run", video, "--no-speech", "--videos", 1)
    assert [row["status"] for row in table(tmp_path / "output")["videos"]] == ["done"]


def test_a_file_of_somebody_else_is_not_replaced(cli: Cli, fleet: Fleet, folder: Path, tmp_path: Path) -> None:
    fleet()
    (tmp_path / "output").mkdir()
    (tmp_path / "output" / "corpus.json").write_text('{"documents": 3}')
    run = cli("run", folder, "--no-speech")
    assert run.code == 2 and "corpus.json: not a table of FrameFleet" in run.line
    assert not list((tmp_path / "output").glob("*_results.json"))


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--videos", "0"), "--videos 0: not a number of videos; give 1 or more, or auto"),
        (("--videos", "many"), "--videos many: not a number of videos"),
        (("--engine", "spark"), "--engine spark: no such engine; choose from threads, slots, ray"),
        (("--ray-address", "auto"), "--ray-address: for --engine ray only; add --engine ray"),
    ],
)
def test_how_to_run_many_is_checked(cli: Cli, fleet: Fleet, folder: Path, flags: tuple[str, str], said: str) -> None:
    fleet()
    run = cli("run", folder, *flags)
    assert run.code == 2
    assert said in run.err.replace("\nhint: ", "; ")


def test_without_ray_the_command_says_how_to_install_it(
    cli: Cli, fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    fleet()
    run = cli("run", folder, "--engine", "ray")
    assert run.code == 1
    assert "error: --engine ray: Ray is not installed" in run.err and "[ray]" in run.err


def test_each_video_may_have_a_journal_of_its_own(cli: Cli, fleet: Fleet, folder: Path, tmp_path: Path) -> None:
    (folder / "broken.mp4").unlink()
    asked = list[int]()

    def worker(job: dict[str, Any]) -> dict[str, Any]:
        asked.append(len(job["input"]["source"]["frames"]))
        return sees_a_person(job)

    fleet(yolo=worker)
    for output in ("here", "there"):
        assert cli("run", folder, "--no-speech", "--journal", "journals", "-o", output).code == 0
        assert not list((tmp_path / output).glob("framefleet-journal*"))
    assert sum(asked) == 8
    shas = {json.loads(path.read_bytes())["video"]["sha256"] for path in (tmp_path / "here").glob("*_results.json")}
    assert {path.name for path in (tmp_path / "journals").iterdir()} == shas
    plan = cli("plan", folder, "--no-speech", "--journal", "journals", "-o", "elsewhere")
    assert plan.out.count("frames already answered") == 2


def test_the_budget_is_one_for_all_videos(cli: Cli, fleet: Fleet, folder: Path, tmp_path: Path) -> None:
    """Each alone is within it; a second one would not be, and is not started."""
    (folder / "broken.mp4").unlink()
    fleet()
    plan = cli("plan", folder, "--no-speech", "--price", 1)
    prices = [float(line.split("$")[1].split()[0]) for line in plan.out.splitlines() if line.startswith("  total")]
    run = cli("run", folder, "--no-speech", "--price", 1, "--max-cost", max(prices) * 1.2, "--videos", 2)
    assert run.code == 3
    assert sorted(row["status"] for row in table(tmp_path / "output")["videos"]) == ["done", "failed"]
    assert " for all videos together: continuing would cost about" in run.err


def test_ctrl_c_in_the_middle_keeps_what_is_there_and_the_next_run_goes_on(
    cli: Cli, fleet: Fleet, folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.mp4").unlink()
    asked, go_on = list[int](), threading.Event()

    def stuck_after_two(job: dict[str, Any]) -> dict[str, Any]:
        asked.append(len(job["input"]["source"]["frames"]))
        if len(asked) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            go_on.wait(60)
        return sees_a_person(job)

    fleet(yolo=stuck_after_two, workers=1)
    before = signal.getsignal(signal.SIGINT)
    run = cli_interrupted(cli, "run", folder, "--no-speech", "--videos", 1, "--batch-size", 2, "--max-workers", 1)
    go_on.set()
    assert signal.getsignal(signal.SIGINT) is before
    assert run.code == 130
    assert "error: interrupted: " in run.err and "run the same command again to resume" in run.err
    rows = table(tmp_path / "output")["videos"]
    assert {Path(row["video"]).name for row in rows} == {"one.mp4", "two.mkv"}
    assert all("interrupted" in row["error"] for row in rows if row["status"] == "failed")
    sent = len(asked)
    again = cli("run", folder, "--no-speech", "--videos", 2, "--batch-size", 2)
    assert again.code == 0
    assert len(asked) - sent <= 4 - 2  # of two videos with three requests and one, two were answered
    assert [row["status"] for row in table(tmp_path / "output")["videos"]] == ["done", "done"]


def cli_interrupted(cli: Cli, *arguments: object) -> Told:
    """The command line ends its process after Ctrl-C, which a test must survive."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "_exit", lambda code: (_ for _ in ()).throw(SystemExit(code)))
        return cli(*arguments)


def test_a_second_ctrl_c_is_raised() -> None:
    scope = CancelScope()
    with pytest.raises(KeyboardInterrupt), ctrl_c_cancels(scope):
        signal.raise_signal(signal.SIGINT)
        assert isinstance(scope.error, Interrupted)
        signal.raise_signal(signal.SIGINT)


def test_a_report_that_cannot_be_written_stops_no_other_video(
    cli: Cli, fleet: Fleet, folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.mp4").unlink()
    (tmp_path / "output" / "one_report.html").mkdir(parents=True)
    fleet()
    run = cli("run", folder, "--no-speech", "--report", "--videos", 1)
    assert run.code == 3
    assert "one_report.html: is a folder" in run.err
    assert (tmp_path / "output" / "two_report.html").is_file()
    assert [row["status"] for row in table(tmp_path / "output")["videos"]] == ["done", "done"]


def test_documents_are_given_up_one_by_one(
    cli: Cli, fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run of 1,000 videos would fill the memory otherwise."""
    (folder / "broken.mp4").unlink()
    shown = list[VideoOutcome]()
    monkeypatch.setattr("framefleet.cli.many._result", lambda outcome: shown.append(outcome) or "done")
    fleet()
    cli("run", folder, "--no-speech")
    assert [one.document for one in shown] == [None, None]


def test_an_interrupted_video_does_not_take_the_place_of_its_earlier_result(
    cli: Cli, fleet: Fleet, folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.mp4").unlink()
    fleet()
    assert cli("run", folder, "--no-speech").code == 0

    def interrupts(job: dict[str, Any]) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGINT)
        return sees_a_person(job)

    fleet(yolo=interrupts)
    assert cli_interrupted(cli, "run", folder, "--no-speech", "--fps", 5).code == 130
    assert [row["status"] for row in table(tmp_path / "output")["videos"]] == ["done", "done"]


# What is shown


def progress(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> tuple[VideoProgress, list[Path]]:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    videos = [Path("a.mp4"), Path("b.mp4")]
    return VideoProgress(videos, lambda name: Bars(video=name)), videos


def test_lines_name_the_video_and_a_notice_of_all_is_told_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listener, videos = progress(monkeypatch, terminal=False)
    with listener:
        for video in videos:
            listener(Notice("objects: runs on this machine", video=video))
            listener(StageStarted("objects", "local", 1, 6, "frames", video=video))
            listener(StageDone("objects", video=video))
            listener.finished(outcome(video))
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "a.mp4: objects: runs on this machine",
        "a.mp4: objects: 6 frames in 1 request, local",
        "a.mp4: objects: done",
        "b.mp4: objects: 6 frames in 1 request, local",
        "b.mp4: objects: done",
    ]
    assert out.splitlines() == [f"{name}: done, 2.0 s, $0.5000; x_results.json" for name in ("a.mp4", "b.mp4")]


def test_a_terminal_has_a_bar_a_video_and_one_for_all(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listener, (first, second) = progress(monkeypatch, terminal=True)
    with listener:
        listener(StageStarted("objects", "runpod", 2, 8, "frames", video=first))
        listener(ItemDone("objects", 0, 4, 1, 0.1, video=first))
        listener(StageStarted("speech", "runpod", 1, 10, "s", video=first))
        listener(StageStarted("objects", "runpod", 2, 8, "frames", video=second))
        assert [one.bar.n for one in listener._running.values()] == [50.0, 0.0]
        assert [one.place for one in listener._running.values()] == [1, 2]
        listener.finished(outcome(first))
        assert listener._all.n == 1
        listener(StageDone("objects", video=second))
        assert [one.bar.n for one in listener._running.values()] == [100.0]
    assert "1/2 videos" in capsys.readouterr().err


def outcome(video: Path, **how: Any) -> VideoOutcome:
    return VideoOutcome(Task(video, Options(), video.stem), 2.0, 0.5, Path("x_results.json"), **how)


def test_how_a_video_ended_is_told_in_a_line() -> None:
    assert (
        ending(outcome(Path("a.mp4"), part="speech: no")) == "done in part, 2.0 s, $0.5000; speech: no; x_results.json"
    )
    failed = VideoOutcome(Task(Path("a.mp4"), Options(), "a"), 1.0, error=InputError("a.mp4: no such file"))
    assert ending(failed) == "failed after 1.0 s, $0.0000"
    cancelled = VideoOutcome(failed.task, 1.0, 0.25, error=CancelledError("cancelled"))
    assert ending(cancelled) == "cancelled after 1.0 s, $0.2500"
    assert ending(VideoOutcome(failed.task, error=CancelledError("not started: cancelled"))) == "not started"


def test_videos_of_one_name_are_called_by_their_paths() -> None:
    videos = [Path("a/x.mp4"), Path("b/x.mp4"), Path("b/y.mp4")]
    assert [*names_of_lines(videos).values()] == ["a/x.mp4", "b/x.mp4", "y.mp4"]
