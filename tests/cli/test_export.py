"""`framefleet export`: which files it writes, and what it says where it cannot."""

import os
import subprocess
import sys
from collections.abc import Callable
from glob import glob
from pathlib import Path

import pytest
from msgspec.structs import replace

from framefleet.install_hints import with_extra
from framefleet.models import file_sha256
from framefleet.outputs.export.formats import FORMATS
from framefleet.schema.document import Document, FailureEntry
from tests.cli.conftest import Told
from tests.media.make import make_video
from tests.outputs.export.documents import sees
from tests.outputs.export.test_datasets import CAT, DOG
from tests.results.make import write_document

Cli = Callable[..., Told]


def stored(document: Document, folder: Path, video: Path | None = None) -> Path:
    if video is not None:
        document = replace(
            document, video=replace(document.video, path=str(video), sha256=file_sha256(video), fps=5.0, frame_count=30)
        )
    path = folder / "clip_results.json"
    write_document(document, path)
    return path


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return stored(sees([CAT, DOG], [CAT], None), tmp_path)


def test_a_format_is_written_beside_the_document_and_told(cli: Cli, result: Path, tmp_path: Path) -> None:
    told = cli("export", result, "--to", "csv")
    assert (told.code, told.out, told.err) == (0, f"csv: {tmp_path / 'clip_csv'}\n", "")
    assert (tmp_path / "clip_csv" / "clip_words.csv").is_file()


def test_subtitles_are_called_by_their_language_as_players_look_for_them(cli: Cli, tmp_path: Path) -> None:
    document = sees([CAT])
    assert document.transcription is not None
    for language, task, names in (
        ("en", "transcribe", ["clip.en.srt", "clip.en.vtt"]),
        ("jw", "transcribe", ["clip.jv.srt", "clip.jv.vtt"]),
        ("de", "translate", ["clip.en.srt", "clip.en.vtt"]),
        ("../x", "transcribe", ["clip.srt", "clip.vtt"]),
        (None, "transcribe", ["clip.srt", "clip.vtt"]),
    ):
        spoken = replace(document.transcription, language=language)
        told = cli(
            "export",
            stored(replace(document, transcription=spoken, config=replace(document.config, task=task)), tmp_path),
            *("--to", "srt,vtt,cvat", "--output", f"{tmp_path}/{names[0]} {task}/"),
        )
        assert told.code == 0
        written = sorted(path.name for path in (tmp_path / f"{names[0]} {task}").iterdir())
        assert written == [*names, "clip_cvat.xml"]
    assert cli("export", tmp_path / "clip_results.json", "--to", "srt", "--output", tmp_path / "mine.srt").code == 0
    assert (tmp_path / "mine.srt").is_file()


def test_names_that_become_the_same_made_plain_are_kept_apart(cli: Cli, tmp_path: Path, video: Path) -> None:
    pytest.importorskip("yaml")
    for name in ("a [1]", "a (1)", "a {1}"):
        stored(sees([CAT], [CAT]), tmp_path, video).rename(tmp_path / f"{name}_results.json")
    for name in ("a [1]", "a (1)", "a {1}"):
        told = cli("export", tmp_path / f"{name}_results.json", "--to", "yolo")
        assert told.code == 0, told.err
    folders = {path.name for path in tmp_path.glob("*_yolo")}
    assert len(folders) == 3
    assert "a (1)_yolo" in folders
    assert not any(mark in name for name in folders for mark in "[]{}")
    labels = [path.name for path in tmp_path.glob("*_yolo/labels/*.txt")]
    assert len(set(labels)) == 6, "datasets of several videos go together"


def test_names_that_readers_take_for_patterns_are_made_plain(cli: Cli, tmp_path: Path, video: Path) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("yaml")
    name = "My Clip [dQw4w9WgXcQ] {a}"
    video = video.rename(tmp_path / f"{name}.mp4")
    result = stored(sees([CAT], [CAT]), tmp_path, video).rename(tmp_path / f"{name}_results.json")
    told = cli("export", result, "--to", "yolo,parquet,csv,labelstudio,fiftyone,srt", "--pictures")
    assert told.code == 0, told.err
    assert (tmp_path / f"{name}.en.srt").is_file(), "players look for the video's own name"
    plain = "My Clip (dQw4w9WgXcQ) (a)"
    pictures = tmp_path / f"{plain}_yolo" / "images"
    found = glob  # which is what Ultralytics looks for its pictures with
    assert len(found(f"{pictures}/*.*")) == 2
    for form in ("yolo", "parquet", "csv", "labelstudio", "fiftyone"):
        files = [path for path in (tmp_path / f"{plain}_{form}").rglob("*") if path.is_file()]
        assert files and all(found(str(path)) == [str(path)] for path in files)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--separator", ";"], "0;0,0;0,0;0;1;15;cat;0,9;10,0;20,0;50,0;80,0"),
        (["--separator", ";", "--decimal", "."], "0;0.0;0.0;0;1;15;cat;0.9;10.0;20.0;50.0;80.0"),
        (["--separator", "tab"], "0\t0.0\t0.0\t0\t1\t15\tcat\t0.9\t10.0\t20.0\t50.0\t80.0"),
        (["--separator", "tab", "--decimal", ","], "0\t0,0\t0,0\t0\t1\t15\tcat\t0,9\t10,0\t20,0\t50,0\t80,0"),
        ([], "0,0.0,0.0,0,1,15,cat,0.9,10.0,20.0,50.0,80.0"),
    ],
)
def test_tables_as_a_spreadsheet_wants_them(
    cli: Cli, result: Path, tmp_path: Path, options: list[str], line: str
) -> None:
    assert cli("export", result, "--to", "csv", *options).code == 0
    assert (tmp_path / "clip_csv" / "clip_detections.csv").read_text("utf-8-sig").splitlines()[1] == line


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--to", "srt", "--separator", ";"], "--separator: only for csv; add csv to --to"),
        (["--to", "csv", "--separator", ":"], '--separator :: not a separator; give "," or ";" or tab'),
        (["--to", "csv", "--decimal", ","], '--decimal ",": is also the separator; add --separator ";" or tab'),
    ],
)
def test_separators_that_make_no_table_are_told(cli: Cli, result: Path, options: list[str], line: str) -> None:
    told = cli("export", result, *options)
    assert (told.code, told.line) == (2, f"error: {line}")


@pytest.mark.parametrize("name", ["my clip #1 100%.mp4", "ü.mp4"])
def test_a_timeline_says_where_the_video_is_whatever_path_was_typed(cli: Cli, tmp_path: Path, name: str) -> None:
    otio = pytest.importorskip("opentimelineio")
    video = make_video(tmp_path / name, frames=5)
    document = sees([CAT])
    document = replace(document, video=replace(document.video, path=name, sha256=file_sha256(video)))
    (tmp_path / "output").mkdir()
    result = tmp_path / "output" / "clip_results.json"
    write_document(document, result)
    assert cli("export", result, "--to", "otio").code == 0
    timeline = otio.adapters.read_from_file(str(tmp_path / "output" / "clip.otio"))
    assert timeline.find_clips()[0].media_reference.target_url == video.as_uri()


def test_all_formats_at_once_with_the_pictures(cli: Cli, video: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    names = [name for name in FORMATS if name not in ("otio", "rttm")]  # not made for every Python; no speakers here
    result = stored(sees([CAT, DOG], [CAT], None), tmp_path, video)
    told = cli("export", result, "--to", ",".join(names), "--pictures", "--output", f"{tmp_path / 'new' / 'out'}/")
    assert told.code == 0, told.err
    endings = [FORMATS[name].ending for name in names]
    names = [f"clip.en{ending}" if ending in {".srt", ".vtt", ".ass"} else f"clip{ending}" for ending in endings]
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == sorted(names)
    assert told.out.splitlines()[-1] == f"fiftyone: {tmp_path / 'new' / 'out' / 'clip_fiftyone'}"
    assert len(list((tmp_path / "new" / "out" / "clip_yolo" / "images").iterdir())) == 2
    assert len(list((tmp_path / "new" / "out" / "clip_mot" / "img1").iterdir())) == 2


def test_only_some_objects(cli: Cli, result: Path, tmp_path: Path) -> None:
    assert cli("export", result, "--to", "mot", "--labels", "cat", "--conf", "0.5").code == 0
    assert len((tmp_path / "clip_mot" / "gt" / "gt.txt").read_text().splitlines()) == 2
    assert (tmp_path / "clip_mot" / "gt" / "labels.txt").read_text() == "cat\n"


def test_a_label_that_nothing_bears_is_told(cli: Cli, result: Path) -> None:
    told = cli("export", result, "--to", "coco", "--labels", "cat,unicorn")
    assert (told.code, told.line) == (0, "no objects labelled unicorn; available: cat, dog")


def test_where_no_label_is_there_nothing_is_written(cli: Cli, result: Path) -> None:
    told = cli("export", result, "--to", "coco,csv", "--labels", "zebra")
    assert (told.code, told.line) == (
        2,
        "error: --labels zebra: no objects labelled zebra; available: cat, dog",
    )
    assert list(result.parent.glob("clip_*")) == [result]


def test_output_names_the_file(cli: Cli, result: Path, tmp_path: Path) -> None:
    told = cli("export", result, "--to", "cvat", "--output", tmp_path / "mine.xml")
    assert told.out == f"cvat: {tmp_path / 'mine.xml'}\n"
    assert (tmp_path / "mine.xml").is_file()


def test_without_the_video_frames_go_by_time_and_that_is_said(cli: Cli, result: Path) -> None:
    told = cli("export", result, "--to", "cvat")
    assert told.code == 0
    assert "--video" in told.line and told.line.endswith("frames are numbered by time × 25 fps")


@pytest.mark.parametrize(
    ("form", "empty", "line"),
    [
        ("srt", {"transcription": None}, "srt: the speech stage did not run; run with --stages speech"),
        (
            "coco",
            {"detections": None, "tracks": None},
            "coco: the objects stage did not run; run with --stages objects",
        ),
        (
            "csv",
            dict.fromkeys(FORMATS["csv"].needs),
            "csv: none of its stages ran; run with --stages objects",
        ),
    ],
)
def test_what_is_not_in_the_document_is_said(
    cli: Cli, tmp_path: Path, form: str, empty: dict[str, None], line: str
) -> None:
    told = cli("export", stored(replace(sees([CAT]), failures=[], **empty), tmp_path), "--to", form)
    assert (told.code, told.line) == (2, f"error: {line}")
    assert [path.name for path in tmp_path.iterdir()] == ["clip_results.json"]


def test_what_failed_is_said_so(cli: Cli, tmp_path: Path) -> None:
    told = cli("export", stored(replace(sees([CAT]), transcription=None), tmp_path), "--to", "vtt")
    assert (told.code, told.line) == (2, "error: vtt: speech failed (noise); run it again")


def test_of_several_formats_one_that_cannot_be_does_not_stop_the_others(cli: Cli, tmp_path: Path) -> None:
    path = stored(replace(sees([CAT]), transcription=None, failures=[]), tmp_path)
    told = cli("export", path, "--to", "srt,coco")
    assert (told.code, told.line) == (3, "error: srt: the speech stage did not run; run with --stages speech")
    assert told.out == f"coco: {tmp_path / 'clip_coco'}\n"


def test_sound_alone_has_tables_and_no_boxes(cli: Cli, tmp_path: Path) -> None:
    document = sees([CAT])
    video = replace(document.video, width=0, height=0, codec="", fps=0.0)
    path = stored(replace(document, video=video, detections=None, tracks=None), tmp_path)
    assert cli("export", path, "--to", "csv").code == 0
    told = cli("export", path, "--to", "yolo")
    assert (told.code, told.line) == (2, "error: yolo: the video has audio only; try --to srt or csv")


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--to", "srt,avi"], "--to avi: no such format; choose from srt, vtt, ass"),
        (["--to", ","], "--to: no format is given; choose from srt"),
        (["--to", "srt", "--pictures"], "--pictures: no chosen format takes images; coco, yolo, mot"),
        (["--to", "coco", "--conf", "2"], "--conf"),
        (["--to", "coco", "--video", "gone.mp4"], "gone.mp4: no such file"),
    ],
)
def test_what_makes_no_sense_is_said(cli: Cli, tmp_path: Path, video: Path, options: list[str], line: str) -> None:
    told = cli("export", stored(sees([CAT]), tmp_path, video), *options)
    assert told.code == 2
    assert line in told.line


@pytest.mark.parametrize("name", ["clip_results.json", "clip.mp4", "link.srt"])
def test_neither_the_document_nor_the_video_is_written_over(cli: Cli, tmp_path: Path, video: Path, name: str) -> None:
    result = stored(sees([CAT]), tmp_path, video.rename(tmp_path / "clip.mp4"))
    (tmp_path / "link.srt").symlink_to("clip.mp4")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    told = cli("export", result, "--to", "srt", "--output", tmp_path / name)
    assert told.code == 2 and f"{name}: " in told.line
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("to", ["srt", "coco", "srt,coco"])
@pytest.mark.parametrize(("output", "exists"), [("out", True), ("new/out/", False)])
def test_a_folder_is_written_into_whatever_the_formats(
    cli: Cli, result: Path, tmp_path: Path, to: str, output: str, exists: bool
) -> None:
    if exists:
        (tmp_path / output).mkdir()
    assert cli("export", result, "--to", to, "--output", output).code == 0
    assert sorted(path.name for path in (tmp_path / output).iterdir()) == sorted(
        f"clip{'.en' if form == 'srt' else ''}{FORMATS[form].ending}" for form in to.split(",")
    )


def test_a_folder_that_was_written_before_is_written_again(cli: Cli, result: Path, tmp_path: Path) -> None:
    for _ in range(2):
        told = cli("export", result, "--to", "coco", "--output", "mine")
        assert (told.code, told.out) == (0, "coco: mine\n")
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [".framefleet.json", "annotations.json"]


@pytest.mark.parametrize(
    ("to", "output", "line"),
    [
        ("srt", "foo.txt", "foo.txt: the name does not end in .srt; give a name with .srt, or a folder ending in /"),
        ("cvat", "foo.json", "foo.json: the name does not end in .xml"),
        ("srt,vtt", "foo.srt", "--output foo.srt: several formats need a folder; end its name with /"),
        ("srt", "no/such/foo.srt", "there is no folder no/such; create it, or give another"),
        ("coco", "no/such/foo", "there is no folder no/such; create it, or give another"),
        ("srt,vtt", "clip_results.json/", "the folder cannot be created"),
    ],
)
def test_a_place_that_cannot_be_meant_is_told(
    cli: Cli, result: Path, tmp_path: Path, to: str, output: str, line: str
) -> None:
    told = cli("export", result, "--to", to, "--output", output)
    assert told.code == 2 and line.replace("/", os.sep) in told.line.replace("/", os.sep)
    assert list(tmp_path.iterdir()) == [result]


def test_pictures_of_what_was_never_looked_at(cli: Cli, tmp_path: Path, video: Path) -> None:
    result = stored(replace(sees(), detections=None, tracks=None, failures=[]), tmp_path, video)
    told = cli("export", result, "--to", "coco", "--pictures")
    assert (told.code, told.line) == (
        2,
        "error: coco: the objects stage did not run; run with --stages objects",
    )


def test_pictures_need_the_video(cli: Cli, result: Path, tmp_path: Path) -> None:
    told = cli("export", result, "--to", "coco", "--pictures")
    assert told.code == 2 and "--video" in told.line
    assert [path.name for path in tmp_path.iterdir()] == ["clip_results.json"]


def test_somebodys_corrections_are_not_written_over(cli: Cli, result: Path, tmp_path: Path) -> None:
    assert cli("export", result, "--to", "mot").code == 0
    assert cli("export", result, "--to", "mot").code == 0
    (tmp_path / "clip_mot" / "gt" / "gt.txt").write_text("corrected")
    told = cli("export", result, "--to", "mot")
    assert told.code == 2 and "gt/gt.txt" in told.line
    assert (tmp_path / "clip_mot" / "gt" / "gt.txt").read_text() == "corrected"


def test_a_library_that_is_missing_is_named(cli: Cli, result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pysubs2", None)
    told = cli("export", result, "--to", "srt")
    assert (told.code, told.line) == (
        1,
        f"error: pysubs2 is not installed; {with_extra('export')}",
    )
    assert not list(result.parent.glob("*.srt"))


def test_help_lists_every_format(cli: Cli) -> None:
    told = cli("export", "--help")
    assert told.code == 0
    assert all(any(line.strip().startswith(f"{name} ") for line in told.out.splitlines()) for name in FORMATS)


@pytest.mark.full
def test_the_command_line_starts_without_the_formats_libraries() -> None:
    code = "import sys, framefleet.cli; print(*{'pyarrow','pysubs2','yaml','opentimelineio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_objects_that_all_failed_are_no_empty_set(cli: Cli, tmp_path: Path) -> None:
    document = sees([CAT])
    lost = [replace(detection, objects=None) for detection in document.detections or ()]
    broke = [FailureEntry(stage="objects", error="noise", attempts=3)]
    path = stored(replace(document, detections=lost, failures=broke), tmp_path)
    told = cli("export", path, "--to", "coco")
    assert (told.code, told.line) == (2, "error: coco: objects failed (noise); run it again")
    assert cli("export", path, "--to", "csv", "--labels", "cat").code == 0, "others are not about objects"
