"""`framefleet render`: what the command says and writes, and what it refuses."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from msgspec.structs import replace

from framefleet.outputs.palette import colour
from framefleet.outputs.render.colours import from_rgb
from framefleet.schema.objects import DetectedObject
from tests.cli.conftest import Told
from tests.conftest import ROOT
from tests.outputs.render.squares import PERSON, document_of, frames_of, squares, where
from tests.results.make import write_document

Cli = Callable[..., Told]


@pytest.fixture
def result(tmp_path: Path) -> Path:
    """A document of a video that lies beside it."""
    video = squares(tmp_path / "clip.mp4", audio="aac")
    path = tmp_path / "clip_results.json"
    write_document(document_of(video, said=[(0, 1, "Hello")]), path)
    return path


def test_the_last_line_says_what_was_written_and_how(cli: Cli, result: Path) -> None:
    told = cli("render", result)
    target = result.with_name("clip_annotated.mp4")
    assert told.code == 0
    assert told.out == (
        f"{target}: 50 frames, boxes moved along their tracks between samples, others held (dashed), "
        "subtitles drawn, sound aac\n"
    )
    with av.open(str(target)) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}


def test_boxes_hold_when_told_to(cli: Cli, result: Path) -> None:
    told = cli("render", result, "--boxes", "hold", "-o", result.with_name("held.mp4"))
    assert "held.mp4: 50 frames, boxes held until the next sample (dashed)," in told.out


@pytest.mark.full
def test_labels_and_confidence_choose(cli: Cli, result: Path) -> None:
    def drawn(*options: object) -> bool:
        assert cli("render", result, *options).code == 0
        return any(where(planes, PERSON).any() for _, planes in frames_of(result.with_name("clip_annotated.mp4")))

    assert drawn("--labels", "person", "--conf", "0.9")
    assert not drawn("--conf", "0.95")
    assert not drawn("--conf", "0.95", "--labels", "person")


def test_a_label_that_nothing_bears_is_told(cli: Cli, result: Path) -> None:
    told = cli("render", result, "--labels", "person,unicorn")
    assert told.code == 0
    assert "no objects labelled unicorn; available: person" in told.err.splitlines()


@pytest.mark.parametrize(
    ("labels", "line"),
    [
        ("zebra", "--labels zebra: no objects labelled zebra; available: person"),
        ("pers", "--labels pers: no objects labelled pers; did you mean person? available: person"),
    ],
)
def test_where_no_label_is_there_nothing_is_written_over(cli: Cli, result: Path, labels: str, line: str) -> None:
    earlier = result.with_name("clip_annotated.mp4")
    earlier.write_bytes(b"earlier")
    told = cli("render", result, "--labels", labels)
    assert (told.code, told.line) == (2, f"error: {line}")
    assert earlier.read_bytes() == b"earlier"


def test_labels_have_the_colours_of_the_report_whatever_is_left_out(cli: Cli, tmp_path: Path) -> None:
    video = squares(tmp_path / "clip.mp4")
    document = document_of(video)
    assert document.detections is not None
    cats = [DetectedObject(15, "cat", 0.9, (0.0, 0.0, 20.0, 20.0))] * 2
    more = [replace(d, objects=[*cats, *(d.objects or ())]) for d in document.detections]
    write_document(replace(document, detections=more, tracks=None), tmp_path / "clip_results.json")
    assert cli("render", "clip_results.json", "--labels", "person").code == 0
    frames = frames_of(tmp_path / "clip_annotated.mp4")
    assert where(frames[0][1], from_rgb(colour(1))).any()
    assert not where(frames[0][1], PERSON).any()


def test_a_part_of_the_video(cli: Cli, result: Path) -> None:
    told = cli("render", result, "--from", "0:00.5", "--to", "1")
    assert "clip_annotated.mp4: 13 frames" in told.out, told


def test_a_video_that_was_moved_is_given(cli: Cli, result: Path) -> None:
    moved = result.parent / "elsewhere" / "other.mp4"
    moved.parent.mkdir()
    result.with_name("clip.mp4").rename(moved)
    told = cli("render", result)
    assert told.code == 2
    assert "--video FILE" in told.line
    assert cli("render", result, "--video", moved).code == 0


def test_the_video_and_the_document_are_not_written_over(cli: Cli, result: Path) -> None:
    video = result.with_name("clip.mp4")
    before = video.read_bytes()
    linked = result.with_name("link.mp4")
    linked.symlink_to(video)
    for target in (video, linked):
        told = cli("render", result, "--output", target)
        assert told.code == 2
        assert "is the source of this output" in told.line
    assert video.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--output", "x.mkv"], "x.mkv: the name does not end in .mp4"),
        (["--output", "no/such/x.mp4"], "hint: create it, or give another"),
        (["--from", "noon"], "--from noon: not a time"),
        (["--from", "1", "--to", "1"], "--to 1: not after the start, 0:01.0"),
        (["--from", "0:10"], "covers 0:00.0 to 0:02.0"),
        (["--from", "2"], "clip_results.json ends there"),
        (["--labels", " ,"], "--labels: no label is given"),
        (["--preset", "quick"], "ultrafast"),
        (["--crf", "99"], "--crf"),
    ],
)
def test_what_makes_no_sense_is_told_in_a_line(cli: Cli, result: Path, options: list[str], part: str) -> None:
    told = cli("render", result, *options)
    assert told.code == 2
    assert part in told.err
    assert sorted(path.name for path in result.parent.iterdir()) == ["clip.mp4", "clip_results.json"]


@pytest.mark.parametrize("folder", ["there", "new/one/"])
def test_a_folder_is_written_into(cli: Cli, result: Path, folder: str) -> None:
    (result.parent / "there").mkdir()
    assert cli("render", result, "--to", "0.5", "--output", folder).code == 0
    assert [path.name for path in (result.parent / folder).iterdir()] == ["clip_annotated.mp4"]


def test_a_document_about_sound_alone(cli: Cli, tmp_path: Path) -> None:
    video = squares(tmp_path / "clip.mp4")
    document = document_of(video)
    path = tmp_path / "clip_results.json"
    write_document(replace(document, video=replace(document.video, width=0, height=0, codec="")), path)
    told = cli("render", path)
    assert told.code == 2
    assert "nothing to draw on" in told.err.splitlines()[-1]


@pytest.mark.full
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console")
def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    video = squares(tmp_path / "clip.mp4")
    path = tmp_path / "clip_results.json"
    write_document(document_of(video), path)
    before = {file.name for file in tmp_path.iterdir()}
    stuck = (
        "import sys, signal\n"
        "from framefleet.cli import main\n"
        "from framefleet.outputs.render.paint import Painter\n"
        "def paint(*_):\n"
        "    print('at work', flush=True)\n"
        "    signal.pause()\n"
        "Painter.paint = paint\n"
        "main(['render', sys.argv[1]])\n"
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        [sys.executable, "-c", stuck, str(path)],
        env=environ,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "at work\n"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert said.splitlines()[-1] == "error: interrupted; nothing was written"
    assert {file.name for file in tmp_path.iterdir()} == before
