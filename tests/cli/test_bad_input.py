"""Bad input: one line naming the thing and the remedy, the exit code, and nothing left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.schema.document import Document
from tests.cli.conftest import Told, sees_a_person
from tests.media.make import make_audio, make_video
from tests.media.odd import disguise

Cli = Callable[..., Told]
Fleet = Callable[..., Any]
Read = Callable[[], Document]


def make(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "an empty file; copy or download it again"),
        (b"hello\n" * 500, "not a video"),
        (b"ffconcat version 1.0\nfile clip.mp4\n", "a playlist, which only names other files"),
        (b"#EXTM3U\n#EXTINF:1,\nclip.mp4\n", "a playlist, which only names other files"),
    ],
    ids=["empty", "text", "ffconcat", "m3u8"],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_what_is_no_video(cli: Cli, video: Path, tmp_path: Path, command: str, content: bytes, said: str) -> None:
    told = cli(command, make(tmp_path / "bad.mp4", content))
    assert told.code == 2
    assert f"bad.mp4: {said}" in told.line
    assert not (tmp_path / "output").exists()


def test_a_missing_file_and_a_folder(cli: Cli, tmp_path: Path) -> None:
    assert cli("run", "nowhere.mp4").line == "error: nowhere.mp4: no such file; check the name and the folder"
    told = cli("run", tmp_path)
    assert (told.code, told.line) == (2, f"error: {tmp_path}: no video in this folder; give a video file")


@pytest.mark.parametrize("command", ["run", "plan"])
def test_sound_alone_for_stages_that_look(cli: Cli, tmp_path: Path, command: str) -> None:
    told = cli(command, make_audio(tmp_path / "sound.mp4"), "--stages", "tracks,text")
    assert told.code == 2
    assert "sound.mp4: no input for tracks, text: no video stream" in told.line
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("codec", ["sound", "pictures"])
def test_a_codec_that_nobody_knows_is_not_taken_for_nothing(
    cli: Cli, fleet: Fleet, tmp_path: Path, command: str, codec: str
) -> None:
    fleet(yolo=sees_a_person)
    path = make_video(tmp_path / "odd.mkv", codec="mpeg4", audio="flac", frames=25)
    disguise(path, {"sound": b"A_FLAC", "pictures": b"V_MPEG4"}[codec])
    both = cli(command, path, "--stages", "objects,speech")
    alone = cli(command, path, "--stages", {"sound": "speech", "pictures": "objects"}[codec])
    stream = {"sound": "sound", "pictures": "video"}[codec]
    for told in (both, alone):
        assert f"its {stream} uses a codec that cannot be decoded here; convert it first" in told.out + told.err
    assert (alone.code, both.code) == (2, 0 if codec == "sound" else 2)


@pytest.mark.parametrize("command", ["run", "plan"])
def test_sound_is_heard_though_nobody_knows_the_codec_of_the_pictures(
    cli: Cli, fleet: Fleet, tmp_path: Path, command: str
) -> None:
    fleet()
    path = disguise(make_video(tmp_path / "odd.mkv", codec="mpeg4", audio="flac", frames=25), b"V_MPEG4")
    assert cli(command, path, "--stages", "speech").code == 0


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("2", "--audio-track 2: clip.mp4 has 1 audio track: 1: aac 1 ch"),
        ("deu", "--audio-track deu: clip.mp4 has 1 audio track: 1: aac 1 ch"),
        ("0", "--audio-track 0: not valid; give a track's number, counted from 1, or its language, such as eng"),
        ("-1", "--audio-track -1: not valid; give a track's number, counted from 1, or its language, such as eng"),
        ("the German one", "--audio-track the German one: not valid; give a track's number"),
    ],
)
def test_an_audio_track_that_is_not_there(cli: Cli, video: Path, command: str, wanted: str, said: str) -> None:
    told = cli(command, video.name, "--audio-track", wanted)
    assert told.code == 2
    assert said in told.line


def test_a_file_cut_before_its_index(cli: Cli, video: Path, tmp_path: Path) -> None:
    whole = video.read_bytes()
    told = cli("run", make(tmp_path / "cut.mp4", whole[: len(whole) // 2]))  # an mp4's index stands at its end
    assert told.code == 2
    assert "cut.mp4: damaged or incomplete" in told.line


def test_a_file_cut_behind_its_index(cli: Cli, fleet: Fleet, tmp_path: Path, document: Read) -> None:
    fleet()
    faststart = {"movflags": "+faststart"}
    path = make_video(tmp_path / "cut.mp4", frames=60, fps=5, container_options=faststart)
    make(path, path.read_bytes()[: path.stat().st_size // 2])
    told = cli("run", path)
    assert told.code == 3
    written = document()
    answered = [d.index for d in written.detections if d.objects is not None]
    failed = [index for failure in written.failures for index in failure.items or ()]
    assert len(written.detections) == 12
    assert 0 in answered
    assert 11 in failed
    assert sorted(answered + failed) == list(range(12))
    assert "failed" in told.out


def test_corrupt_frames_in_the_middle(cli: Cli, fleet: Fleet, tmp_path: Path, document: Read) -> None:
    import av

    fleet()
    path = make_video(tmp_path / "holed.mp4", frames=100, fps=10)
    with av.open(str(path)) as container:
        spoiled = [(p.pos, p.size) for p in container.demux(video=0) if p.size][40:60]
    content = bytearray(path.read_bytes())
    for at, size in spoiled:
        content[at + 8 : at + size] = b"\xff" * (size - 8)
    told = cli("run", make(path, bytes(content)), "--fps", 5)
    assert told.code == 3
    written = document()
    answered = {d.index for d in written.detections if d.objects is not None}
    failed = {index for failure in written.failures for index in failure.items or ()}
    assert answered | failed == set(range(50))
    assert not answered & failed
    assert {0, 10, 45} <= answered
    assert failed & set(range(20, 30))
    assert all(failure.stage == "objects" and failure.error for failure in written.failures)


def test_an_output_folder_that_cannot_be(cli: Cli, video: Path, tmp_path: Path) -> None:
    blocked = make(tmp_path / "file", b"") / "results"
    told = cli("run", video, "--output-dir", blocked)
    assert told.code == 2
    assert f"{blocked}: cannot be written" in told.line
    assert "give another output folder" in told.line


def test_a_name_that_leaves_no_room_for_that_of_the_results(cli: Cli, video: Path) -> None:
    told = cli("run", video.rename(video.with_name("x" * 246 + ".mp4")))
    assert told.code == 2
    assert "xxx_results.json: too long a name for a file; give the video a shorter one" in told.line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"my shopping list", "not a document of FrameFleet; move it or give another output folder"),
        (b'{"video": {"sha256": "' + b"0" * 64 + b'"}}', "holds the results of another video; move it or give another"),
        (None, "not a document of FrameFleet; move it or give another output folder"),
    ],
    ids=["text", "another video's", "folder"],
)
def test_what_is_in_the_way_stays(
    cli: Cli, fleet: Fleet, video: Path, tmp_path: Path, content: bytes | None, said: str
) -> None:
    asked: list[Any] = []
    fleet(yolo=lambda job: asked.append(job) or sees_a_person(job))
    (tmp_path / "output").mkdir()
    path = tmp_path / "output" / "clip_results.json"
    path.mkdir() if content is None else path.write_bytes(content)
    told = cli("run", video)
    assert told.code == 2
    assert f"clip_results.json: {said}" in told.line
    assert not asked
    assert path.is_dir() if content is None else path.read_bytes() == content


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--fps", "0"], "--fps 0: not valid; give a number above 0 up to 1000"),
        (["--fps", "-1"], "--fps -1: not valid; give a number above 0 up to 1000"),
        (["--fps", "nan"], "--fps nan: not valid; give a number above 0 up to 1000"),
        (["--fps", "inf"], "--fps inf: not valid; give a number above 0 up to 1000"),
        (["--fps", "often"], "--fps often: not valid; give a number above 0 up to 1000"),
        (["--batch-size", "0"], "--batch-size 0: not valid; give a whole number from 1 to 1024"),
        (["--batch-size", "-16"], "--batch-size -16: not valid; give a whole number from 1 to 1024"),
        (["--batch-size", "1.5"], "--batch-size 1.5: not valid; give a whole number from 1 to 1024"),
        (["--max-workers", "0"], "--max-workers 0: not valid; give a whole number from 1 to 1000"),
        (["--conf", "1.5"], "--conf 1.5: not valid; give a number from 0 up to 1"),
        (["--backend", "cloud"], "--backend cloud: no such backend; choose from auto, runpod, api, local"),
        (["--task", "sing"], "--task sing: not valid; give transcribe or translate"),
        (["--crop", "1,2,3"], "--crop 1,2,3: not valid; give x,y,width,height in pixels, such as 100,50,640,360"),
        (["--crop", "100,100,100,100"], "--crop 100,100,100,100: "),
        (["--classes", "person,unicorn"], "--classes unicorn: neither a class number nor a COCO label"),
        (["--language", "klingon"], "--language klingon: not a language that Whisper supports; give a code such as en"),
        (["--language", "fr"], "--language fr: the embedded model (tiny.en) is English-only; fetch Whisper base"),
        (["--task", "translate"], "--task translate: the embedded model (tiny.en) cannot translate"),
        (
            ["--yolo-model", "yolo11x"],
            "--yolo-model yolo11x: no such model on this machine; give one of d-fine-n, d-fine-s, yolox-tiny, yolox-s, "
            "yolov3-tiny or the path of an .onnx file",
        ),
        (["--fpss", "1"], "No such option: --fpss"),
        (["--backend", "runpod"], "--backend runpod: no endpoint for objects; set FRAMEFLEET_YOLO_ENDPOINT"),
    ],
)
@pytest.mark.parametrize("command", ["run", "plan"])
def test_options_that_make_no_sense(
    cli: Cli, video: Path, tmp_path: Path, command: str, flags: list[str], said: str
) -> None:
    told = cli(command, video, *flags)
    assert told.code == 2
    assert told.line.startswith("error: ")
    assert said in told.line
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"fps = [", "framefleet.toml: "),
        (b"\xff\xfe", "framefleet.toml: "),
        (b"fps = 0", "framefleet.toml: fps 0: not valid; give a number above 0 up to 1000"),
        (b"fpss = 1", "framefleet.toml: fpss: no such option"),
        (b'base_url = "https://example.org"', "framefleet.toml: base_url: no such option"),
        (b'endpoints = "abc"', "framefleet.toml: endpoints: not a table"),
        (b'[endpoints]\nyolo = "../../evil?"', "yolo endpoint ../../evil?: not an endpoint's id"),
    ],
)
def test_a_configuration_that_makes_no_sense(cli: Cli, video: Path, tmp_path: Path, content: bytes, said: str) -> None:
    make(tmp_path / "framefleet.toml", content)
    for command in (("plan", video), ("doctor",)):
        told = cli(*command)
        assert told.code == 2
        assert said in told.line


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("FRAMEFLEET_FPS", "0", "FRAMEFLEET_FPS 0: not valid; give a number above 0 up to 1000"),
        ("FRAMEFLEET_FPZ", "2", "no such setting; did you mean FRAMEFLEET_FPS?"),
        ("FRAMEFLEET_SPEECH", "perhaps", "FRAMEFLEET_SPEECH perhaps: not valid; give true or false"),
        ("RUNPOD_ENDPOINT_BASE_URL", "http://example.org/v2", "use https (http only on this machine)"),
        ("RUNPOD_ENDPOINT_BASE_URL", "http://127.0.0.1@example.org", "use https (http only on this machine)"),
        ("RUNPOD_ENDPOINT_BASE_URL", "http://127.0.0.1.example.org", "use https (http only on this machine)"),
        ("RUNPOD_ENDPOINT_BASE_URL", "http://[::1", "use https (http only on this machine)"),
        ("RUNPOD_ENDPOINT_BASE_URL", "file:///etc/passwd", "use https (http only on this machine)"),
    ],
)
def test_an_environment_that_makes_no_sense(
    cli: Cli, video: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    told = cli("run", video)
    assert told.code == 2
    assert name in told.line
    assert said in told.line


def test_the_command_alone_and_without_a_video(cli: Cli) -> None:
    told = cli()
    assert told.code == 2
    assert "run" in told.err + told.out
    assert "doctor" in told.err + told.out
    told = cli("run")
    assert told.code == 2
    assert "VIDEO" in told.line
    assert "framefleet run --help" in told.line
