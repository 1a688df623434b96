"""`framefleet cache` and what is kept from one run of a video to the next."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from framefleet.journal.file import FILE_NAME
from framefleet.journal.shared import SharedFolder
from framefleet.journal.store import Journal
from framefleet.media.video import decode
from framefleet.pipeline import executor
from framefleet.stages.scenes.stage import ScenesStage
from tests.cli.conftest import Told

Cli = Callable[..., Told]


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """One entry for each time that the frames of a video are decoded."""
    begun: list[object] = []

    def counted(*arguments: Any, **options: Any) -> Any:
        begun.append(arguments)
        return decode.decode_orders(*arguments, **options)

    monkeypatch.setattr(executor, "decode_orders", counted)
    return begun


@pytest.fixture
def old(video: Path) -> Path:
    """The video, written a while ago."""
    os.utime(video, (1e9, 1e9))
    return video


def why(cli: Cli, *arguments: object) -> dict[str, tuple[int, list[Any]]]:
    rows = json.loads(cli("cache", "why", *arguments, "--json").out)
    return {row["stage"]: (row["missing"], row["because"]) for row in rows}


def test_a_second_run_decodes_nothing_and_writes_the_same(
    cli: Cli, video: Path, fleet: Any, decodes: list[object], tmp_path: Path
) -> None:
    fleet()
    flags = ("--stages", "objects,scenes,tracks")
    documents = []
    for _ in range(2):
        assert cli("run", video, *flags).code == 0
        documents.append(json.loads((tmp_path / "output" / "clip_results.json").read_bytes()))
    assert len(decodes) == 1
    for part in ("detections", "scenes", "tracks", "failures"):
        assert documents[0][part] == documents[1][part]


@pytest.mark.parametrize(
    "flags", [("--fresh",), ("--scenes-sampling", "keyframes"), ("--sampling", "keyframes")], ids=lambda flags: flags[0]
)
def test_frames_are_watched_again_if_others_are_wanted(
    cli: Cli, video: Path, fleet: Any, decodes: list[object], flags: tuple[str, ...]
) -> None:
    fleet()
    cli("run", video, "--stages", "scenes")
    cli("run", video, "--stages", "scenes", *flags)
    assert len(decodes) == 2


def test_a_newer_stage_watches_again(
    cli: Cli, video: Path, fleet: Any, decodes: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet()
    cli("run", video, "--stages", "scenes")
    monkeypatch.setattr(ScenesStage, "version", property(lambda _: 2), raising=False)
    cli("run", video, "--stages", "scenes")
    assert len(decodes) == 2


def test_why_tells_what_is_missing_and_what_changed(cli: Cli, video: Path, fleet: Any) -> None:
    fleet()
    flags = ("--stages", "objects,speech,scenes")
    assert why(cli, video, *flags) == {"objects": (6, []), "speech": (1, []), "scenes": (30, [])}
    cli("run", video, *flags)
    assert why(cli, video, *flags) == {"objects": (0, []), "speech": (0, []), "scenes": (0, [])}
    assert why(cli, video, *flags, "--conf", "0.5", "--language", "de") == {
        "objects": (6, [{"field": "conf", "was": 0.15, "now": 0.5}]),
        "speech": (1, [{"field": "language", "was": None, "now": "de"}]),
        "scenes": (0, []),
    }
    assert why(cli, video, *flags, "--fps", "2")["objects"] == (6, [{"field": "fps", "was": 1.0, "now": 2.0}])
    told = cli("cache", "why", video, *flags, "--conf", "0.5")
    assert told.out.splitlines() == [
        "  objects   6 answers missing: conf was 0.15, is 0.5",
        "  speech    nothing is missing",
        "  scenes    nothing is missing",
    ]


def test_why_compares_with_the_last_run_that_got_answers(cli: Cli, video: Path, fleet: Any) -> None:
    fleet()
    for conf in (0.2, 0.3):
        cli("run", video, "--stages", "objects", "--conf", conf)
    assert why(cli, video, "--stages", "objects", "--conf", "0.4")["objects"][1] == [
        {"field": "conf", "was": 0.3, "now": 0.4}
    ]
    assert why(cli, video, "--stages", "objects", "--conf", "0.2")["objects"] == (0, [])


def test_why_writes_nothing(cli: Cli, video: Path, fleet: Any, tmp_path: Path) -> None:
    fleet()
    why(cli, video)
    assert not (tmp_path / "output").exists()


def test_one_stage_can_be_forgotten(cli: Cli, video: Path, fleet: Any) -> None:
    fleet()
    flags = ("--stages", "objects,speech,scenes")
    cli("run", video, *flags)
    told = cli("cache", "forget", "--stage", "objects")
    assert told.out == f"output/{FILE_NAME}: 6 answers of objects removed\n"
    cli("cache", "forget", "--stage", "scenes")
    assert why(cli, video, *flags) == {"objects": (6, []), "speech": (0, []), "scenes": (30, [])}
    assert cli("cache", "forget", "--stage", "unknown").code == 2


def test_what_is_kept_of_videos_without_a_result_can_be_removed(
    cli: Cli, video: Path, other: Path, fleet: Any, tmp_path: Path
) -> None:
    fleet()
    for one in (video, other):
        cli("run", one, "--stages", "objects,scenes")
    assert cli("cache", "prune").out == f"output/{FILE_NAME}: 0 answers of videos without a result removed\n"
    (tmp_path / "output" / "other_results.json").unlink()
    assert json.loads(cli("cache", "prune", "--json").out) == {"removed": 6}
    assert why(cli, video, "--stages", "objects,scenes") == {"objects": (0, []), "scenes": (0, [])}
    assert why(cli, other, "--stages", "objects,scenes") == {"objects": (6, []), "scenes": (30, [])}


def test_nothing_is_pruned_while_a_run_is_at_work(cli: Cli, video: Path, fleet: Any, tmp_path: Path) -> None:
    """Its video has no result yet, and its answers are paid for."""
    fleet()
    cli("run", video, "--stages", "objects")
    (tmp_path / "output" / "clip_results.json").unlink()
    path = tmp_path / "output" / FILE_NAME
    journal = Journal(path, owner="another-host:1:aa")
    told = cli("cache", "prune")
    assert (told.code, told.line) == (
        2,
        f"error: output/{FILE_NAME}: a run is using it; try again when that run has ended",
    )
    journal.close()
    assert json.loads(cli("cache", "prune", "--json").out) == {"removed": 6}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM files").fetchone() == (0,)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["why"], "error: why: no video is given"),
        (["prune", "clip.mp4"], "error: prune: takes no video"),
        (["forget"], "error: forget: no stage is given"),
        (["prune", "--stage", "text"], "error: prune: takes no --stage"),
        (["prune"], f"error: output/{FILE_NAME}: no journal there; give the folder of the results with --output-dir"),
    ],
)
def test_what_cannot_be_done_is_told(cli: Cli, arguments: list[str], line: str) -> None:
    told = cli("cache", *arguments)
    assert (told.code, told.line) == (2, line)


def test_an_unchanged_file_is_not_read_again(cli: Cli, old: Path, fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet()
    read: list[Path] = []
    monkeypatch.setattr("framefleet.journal.file_hash.time.time", lambda: 4e9)
    monkeypatch.setattr("framefleet.journal.file_hash.file_sha256", lambda path: read.append(path) or "ab" * 32)
    cli("run", old, "--stages", "objects")
    assert read == [old]
    cli("run", old, "--stages", "objects")
    assert read == [old]
    cli("run", old, "--stages", "objects", "--verify")
    assert read == [old] * 2
    os.utime(old, (1e9, 1e9 + 1))
    cli("run", old, "--stages", "objects")
    assert read == [old] * 3


def test_the_hash_of_a_file_that_was_written_just_now_is_not_kept(
    cli: Cli, video: Path, fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet()
    read: list[Path] = []
    monkeypatch.setattr("framefleet.journal.file_hash.time.time", lambda: video.stat().st_ctime)
    monkeypatch.setattr("framefleet.journal.file_hash.file_sha256", lambda path: read.append(path) or "ab" * 32)
    for _ in range(2):
        cli("run", video, "--stages", "objects")
    assert read == [video] * 2


# Journals in a shared folder


@pytest.fixture
def other(video: Path, tmp_path: Path) -> Path:
    """Another video of the same frames."""
    path = tmp_path / "other.mp4"
    path.write_bytes(video.read_bytes() + bytes(8))
    return path


def test_why_tells_what_changed_since_answers_in_a_shared_folder(cli: Cli, video: Path, fleet: Any) -> None:
    fleet()
    flags = ("--stages", "objects", "--journal", "journals")
    for conf in (0.2, 0.3):
        cli("run", video, *flags, "--conf", conf)
    assert why(cli, video, *flags, "--conf", 0.3)["objects"] == (0, [])
    assert why(cli, video, *flags, "--conf", 0.4)["objects"] == (6, [{"field": "conf", "was": 0.3, "now": 0.4}])


def test_a_stage_is_forgotten_in_all_journals_of_a_shared_folder(
    cli: Cli, video: Path, other: Path, fleet: Any, tmp_path: Path
) -> None:
    fleet()
    flags = ("--stages", "objects,scenes", "--journal", "journals")
    cli("run", video, other, *flags)
    assert cli("cache", "forget", "--stage", "objects", *flags[2:]).out == "journals: 12 answers of objects removed\n"
    cli("cache", "forget", "--stage", "scenes", *flags[2:])
    for one in (video, other):
        assert why(cli, one, *flags) == {"objects": (6, []), "scenes": (30, [])}


def test_videos_without_a_result_are_removed_from_a_shared_folder(
    cli: Cli, video: Path, other: Path, fleet: Any, tmp_path: Path
) -> None:
    fleet()
    flags = ("--stages", "objects,scenes", "--journal", "journals")
    cli("run", video, other, *flags)
    (tmp_path / "output" / "other_results.json").unlink()
    wrong = cli("cache", "prune", *flags[2:], "-o", "elsewhere")
    assert (wrong.code, wrong.line) == (
        2,
        "error: elsewhere: no results there; give the folder of the results with --output-dir",
    )
    assert json.loads(cli("cache", "prune", *flags[2:], "--json").out) == {"removed": 6}
    assert why(cli, video, *flags) == {"objects": (0, []), "scenes": (0, [])}
    assert why(cli, other, *flags) == {"objects": (6, []), "scenes": (30, [])}


def test_a_shared_journal_that_is_in_use_is_left_alone(cli: Cli, video: Path, fleet: Any, tmp_path: Path) -> None:
    fleet()
    flags = ("--stages", "objects", "--journal", "journals")
    cli("run", video, *flags)
    (folder,) = (tmp_path / "journals").iterdir()
    assert SharedFolder(folder, "elsewhere:1:a").take() is None
    refused = cli("cache", "forget", "--stage", "objects", *flags[2:])
    assert (refused.code, refused.line) == (
        2,
        f"error: journals/{folder.name}: another run is using it, so nothing in it is changed;"
        " try again when that run has ended",
    )
    assert why(cli, video, *flags)["objects"] == (0, [])


def test_a_folder_without_journals_is_said_to_have_none(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "journals" / "something").mkdir(parents=True)
    told = cli("cache", "forget", "--stage", "objects", "--journal", "journals")
    assert (told.code, told.line) == (
        2,
        "error: journals: no journal there; give the folder that runs have as --journal",
    )
