"""Several videos in one command, folders of them, and names that are none."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from framefleet.analysis import Prepared, execute
from framefleet.cli.commands.run import point_on
from framefleet.cli.options.videos import Row, named, overview
from framefleet.errors import AuthError, InputError
from framefleet.progress import Listener
from framefleet.schema.document import Document
from tests.cli.conftest import Told
from tests.cli.terminal import Terminal, page
from tests.media.make import make_video

Cli = Callable[..., Told]
Fleet = Callable[..., Any]


def test_a_folder_stands_for_the_videos_in_it(video: Path, tmp_path: Path) -> None:
    folder = tmp_path / "films"
    (folder / "deeper").mkdir(parents=True)
    for name in ("b.mp4", "a.bin", ".hidden.mp4", "deeper/c.mp4"):
        copy(video, folder / name)
    (folder / "notes.mp4").write_text("no video")
    (folder / "empty.mp4").touch()
    assert named([str(folder)]) == [folder / "a.bin", folder / "b.mp4"]  # by content, sorted, not what is deeper
    assert named([str(folder / "b.mp4"), str(folder), "gone.mp4", "gone.mp4"]) == [
        folder / "b.mp4",
        folder / "a.bin",
        Path("gone.mp4"),
    ]


def test_what_a_folder_leaves_out_is_said(cli: Cli, fleet: Fleet, video: Path, tmp_path: Path) -> None:
    fleet()
    folder = tmp_path / "films"
    (folder / "deeper").mkdir(parents=True)
    copy(video, folder / "a.mp4")
    for number in range(7):
        (folder / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(100))
    (folder / "notes.txt").write_text("no video")
    (folder / "code.ts").write_text("let a = 1;")  # TypeScript
    for command in ("plan", "run"):
        told = cli(command, folder, "--no-speech")
        assert told.code == 0
        (line,) = (line for line in told.err.splitlines() if "skipped" in line)
        assert line == (
            f"{folder}: skipped: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 2 more (an image each); "
            "code.ts, notes.txt (a text file each); deeper (a folder)"
        )


def test_what_looks_like_a_video_and_is_left_out_is_no_success(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path
) -> None:
    fleet()
    folder = tmp_path / "films"
    folder.mkdir()
    copy(video, folder / "a.mp4")
    (folder / "empty.mkv").touch()
    (folder / "notes.mp4").write_text("no video")
    (folder / "odd.bin").write_bytes(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0")
    for command in ("plan", "run"):
        told = cli(command, folder, "--no-speech")
        assert told.code == 3
        assert [line for line in told.err.splitlines() if "skipped" in line] == [
            f"{folder / 'empty.mkv'}: skipped: an empty file",
            f"{folder / 'notes.mp4'}: skipped: a text file",
            f"{folder / 'odd.bin'}: skipped: an animated WebP, which cannot be decoded here",
        ]
    copy(video, folder / "b.mp4")
    told = cli("run", folder, "--no-speech")
    assert told.code == 3
    (line,) = (line for line in told.out.splitlines() if line.split()[:1] == ["skipped"])
    assert "empty.mkv (an empty file), notes.mp4 (a text file), odd.bin (an animated WebP" in line


def test_one_video_under_two_names_is_done_once(video: Path, tmp_path: Path) -> None:
    assert named(["clip.mp4", str(video), f"deeper/../{video.name}"]) == [Path("clip.mp4")]


def test_a_folder_without_videos_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r": no video in this folder; give a video file"):
        named([str(tmp_path)])


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "VIDEO: the name is empty"),
        ("  ", "VIDEO: the name is empty"),
        ("https://example.com/a/v.mp4?b=c", "https://example.com/a/v.mp4?b=c: URLs are not supported, only files"),
        ("rtsp://camera/1", "rtsp://camera/1: URLs are not supported, only files"),
        ("gone/v.mp4", ": no such file"),
    ],
)
def test_names_of_no_file(cli: Cli, command: str, name: str, said: str) -> None:
    told = cli(command, name)
    assert told.code == 2
    assert said in told.line


def test_a_run_of_several_ends_with_a_table_of_all(cli: Cli, fleet: Fleet, video: Path, tmp_path: Path) -> None:
    fleet()
    folder = tmp_path / "films"
    folder.mkdir()
    copy(video, folder / "one.mp4")
    make_video(folder / "two.mkv", frames=10, fps=5)
    told = cli("run", folder, "gone.mp4", "--no-speech", "--price", 1)
    assert told.code == 3
    table = [line.split() for line in told.out.splitlines()[-6:]]
    assert table[0] == ["3", "videos:"] and table[1] == ["video", "result", "dollars", "JSON"]
    (gone, one, two), last = sorted(table[2:5]), table[5]
    assert [row[:2] for row in (one, two)] == [["one.mp4", "done"], ["two.mkv", "done"]]
    assert [float(row[2]) > 0 for row in (one, two)] == [True, True]
    assert [Path(row[3]).name for row in (one, two)] == ["one_results.json", "two_results.json"]
    assert gone == ["gone.mp4", "failed", "0.0000"]
    assert last[:5] == ["total", "2", "of", "3", "done,"]
    assert float(last[5].strip("$")) == pytest.approx(float(one[2]) + float(two[2]), abs=2e-4)


def test_the_table_comes_also_where_the_rest_was_given_up(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet()
    other = make_video(tmp_path / "other.mp4", frames=10, fps=5)

    def until_the_key_is_withdrawn(prepared: Prepared, listener: Listener, **shared: Any) -> Document:
        if prepared.media.path == other:
            raise AuthError("RunPod refuses the key (401)")
        return execute(prepared, listener, **shared)

    monkeypatch.setattr("framefleet.session.execute", until_the_key_is_withdrawn)
    third = make_video(tmp_path / "third.mp4", frames=10, fps=5)
    told = cli("run", video, other, third, "--no-speech", "--videos", 1)
    assert told.code == 3
    assert f"error: {other}: RunPod refuses the key (401)" in told.err.splitlines()
    assert any(line.split() == ["third.mp4", "not", "done", "0.0000"] for line in told.out.splitlines())
    assert "1 of 3 done" in told.out.splitlines()[-1]
    told = cli("run", other, third, "--no-speech", "--videos", 1)
    assert told.code == 1  # the one's own, since the other was not started for the same reason


def test_one_video_has_no_table(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    assert "total" not in cli("run", video, "--no-speech").out


def test_the_table_on_a_terminal_is_no_wider_than_that() -> None:
    terminal = Terminal()
    rows = [Row(Path(f"{name * 30}.mp4"), "done", 0.01, Path("output", f"{name * 30}_results.json")) for name in "ab"]
    overview([row.video for row in rows], rows, page(terminal, 60))
    assert max(map(len, terminal.lines())) <= 60
    assert terminal.lines()[-1].split() == ["total", "2", "of", "2", "done,", "$0.0200"]


def test_a_person_at_a_terminal_is_told_how_to_look_at_the_first_result(tmp_path: Path) -> None:
    terminal = Terminal()
    result = tmp_path / "my video_results.json"
    point_on(result, page(terminal))
    (line,) = terminal.lines()
    assert line.split()[0] == "next" and "framefleet report" in line and "my video_results.json" in line
    (tmp_path / "my video_report.html").touch()  # then the person knows how
    point_on(result, page(terminal))
    assert len(terminal.lines()) == 1


def test_nobody_is_told_where_nobody_looks(cli: Cli, fleet: Fleet, video: Path) -> None:
    fleet()
    assert "next" not in cli("run", video, "--no-speech").out
