"""The command line about speakers: a run, names, what is shown, and what is forgotten. The voices are made up."""

import base64
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from framefleet.journal.file import FILE_NAME
from tests.cli.conftest import WORKER, Told
from tests.stages.speakers import centre

Cli = Callable[..., Told]


def people(*who: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A speakers worker that hears these people one after the other, a second each."""

    def answer(job: dict[str, Any]) -> dict[str, Any]:
        assert job["input"]["task"] == "speakers"
        centres = [base64.b64encode(centre(one, 0.1, place).astype("<f2").tobytes()) for place, one in enumerate(who)]
        return WORKER | {
            "voices": [
                {"centre": vector.decode(), "turns": [{"start_s": float(place), "end_s": place + 1.0}]}
                for place, vector in enumerate(centres)
            ]
        }

    return answer


@pytest.fixture
def talk(cli: Cli, fleet: Callable[..., Any], video: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """`talk(1, 2)`: the document of a run of a video in which these two speak."""

    def run(*who: int, flags: tuple[str, ...] = ()) -> dict[str, Any]:
        fleet(speakers=people(*who))
        told = cli("run", video, "--stages", "speech,speakers", *flags)
        assert told.code == 0, told.err
        (path,) = (tmp_path / "output").glob("*_results.json")
        return {"path": path, "told": told, **json.loads(path.read_bytes())}

    return run


def names(document: dict[str, Any]) -> list[str | None]:
    return [speaker["name"] for speaker in document["speakers"]]


@pytest.mark.full
def test_a_run_tells_who_speaks_and_keeps_the_voices_to_itself(talk: Any, tmp_path: Path) -> None:
    document = talk(1, 2)
    assert [(one["id"], one["first_s"], one["talk_s"]) for one in document["speakers"]] == [
        ("S1", 0.0, 1.0),
        ("S2", 1.0, 1.0),
    ]
    (segment,) = document["transcription"]["segments"]
    assert (segment["speaker"], segment["words"][0]["speaker"]) == ("S1", "S1")
    assert "2 people spoke: S1 (uncertain) 0:01, S2 (uncertain) 0:01" in document["told"].out
    assert "centre" not in document["path"].read_text()
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "output" / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.full
def test_a_name_survives_a_rerun_and_follows_its_voice(talk: Any, cli: Cli) -> None:
    first = talk(1, 2)
    told = cli("name", first["path"], "S2=Grace", "S1=Ada")
    assert (told.code, told.out) == (0, f"{first['path']}: S1 is Ada, S2 is Grace\n")
    assert names(talk(1, 2)) == ["Ada", "Grace"]
    again = talk(2, 3, flags=("--fresh",))
    assert names(again) == ["Grace", None]
    assert "speakers: the name Ada is dropped: no voice is like the one it was given to" in again["told"].err
    assert cli("name", again["path"], "S1=").out == f"{again['path']}: no speaker has a name\n"
    assert names(talk(2, 3)) == [None, None]


@pytest.mark.full
def test_names_come_from_a_file_that_the_report_saved(talk: Any, cli: Cli, tmp_path: Path) -> None:
    path = talk(1, 2)["path"]
    (tmp_path / "names.txt").write_text("S1=Ada Lovelace\nS2=\n", encoding="utf-8")
    assert cli("name", path, "--file", tmp_path / "names.txt").out == f"{path}: S1 is Ada Lovelace\n"
    assert cli("name", path, "--file", tmp_path / "none.txt").code == 2
    assert cli("name", path).code == 2


@pytest.mark.full
def test_names_of_one_run_are_in_its_document(talk: Any) -> None:
    assert names(talk(1, 2, flags=("--speaker-names", "S2=Grace"))) == [None, "Grace"]


@pytest.mark.full
def test_what_cannot_be_named_is_said(talk: Any, cli: Cli) -> None:
    path = talk(1, 2)["path"]
    assert (
        told := cli("name", path, "S3=Ada")
    ).code == 2 and told.line == "error: S3: no such speaker; the speakers are S1, S2"
    assert (told := cli("name", path, "Ada")).code == 2 and "S1=NAME Ada: not a speaker and a name" in told.line
    (path.parent / FILE_NAME).unlink()
    assert "the next run of the video has no names" in cli("name", path, "S1=Ada").out


@pytest.mark.full
def test_forgetting_removes_voices_and_names_and_nothing_else(talk: Any, cli: Cli, tmp_path: Path) -> None:
    path = talk(1, 2)["path"]
    cli("name", path, "S1=Ada")
    journal = tmp_path / "output" / FILE_NAME
    kept = base64.b64encode(centre(1, 0.1, 0).astype("<f2").tobytes())
    parts = [kept[place : place + 40] for place in range(0, 600, 40)]  # a page of the file may end within it

    def on_the_disk() -> list[bytes]:
        content = b"".join(one.read_bytes() for one in journal.parent.glob(f"{FILE_NAME}*"))
        return [part for part in parts if part in content]

    assert on_the_disk()
    told = cli("cache", "forget", "--stage", "speakers")
    assert (told.code, told.out) == (0, f"output/{FILE_NAME}: 1 answer of speakers removed\n")
    assert on_the_disk() == []
    again = talk(1, 2)
    assert names(again) == [None, None]
    assert again["cost"]["stages"]["speech"]["requests"] == 0
    assert again["cost"]["stages"]["speakers"]["requests"] == 1


@pytest.mark.full
def test_names_and_voices_in_a_shared_folder_are_kept_and_forgotten(talk: Any, cli: Cli, tmp_path: Path) -> None:
    flags = ("--journal", str(tmp_path / "journals"))
    path = talk(1, 2, flags=flags)["path"]
    assert "the next run of the video has no names" in cli("name", path, "S1=Ada").out
    assert "no names" not in cli("name", path, "S1=Ada", *flags).out
    assert names(talk(1, 2, flags=flags)) == ["Ada", None]

    def voices() -> bytes:
        """What the folder has of the stage, but for what its jobs took."""
        content = [one.read_bytes() for one in (tmp_path / "journals").glob("*/*")]
        return b"".join(one for one in content if b'"speakers/' in one or b'"stage":"speakers"' in one)

    assert voices()
    assert "1 answer of speakers removed" in cli("cache", "forget", "--stage", "speakers", *flags).out
    assert voices() == b""
    again = talk(1, 2, flags=flags)
    assert names(again) == [None, None]
    assert again["cost"]["stages"]["speech"]["requests"] == 0


def test_nothing_can_be_forgotten_where_no_journal_is(cli: Cli) -> None:
    assert cli("cache", "forget", "--stage", "speakers").code == 2


@pytest.mark.full
def test_show_finds_a_speaker_by_id_or_name(talk: Any, cli: Cli) -> None:
    path = talk(1, 2, flags=("--speaker-names", "S1=Ada"))["path"]
    for wanted in ("s1", "ada"):
        (turn,) = json.loads(cli("show", path, "--speaker", wanted, "--json").out)["speaker"]
        assert turn == {"start_s": 0.0, "end_s": 1.0, "speaker": "S1", "name": "Ada", "text": "Hello"}
    assert "Hello" in cli("show", path, "--speaker", "Ada").out
    missed = cli("show", path, "--speaker", "Grace")
    assert (missed.code, "available: Ada, S2" in missed.out) == (1, True)
    later = json.loads(cli("show", path, "--from", "1.5", "--speaker", "S2", "--json").out)["speaker"]
    assert (
        len(later) == 1
        and json.loads(cli("show", path, "--from", "1.5", "--speaker", "S1", "--json").out)["speaker"] == []
    )


@pytest.mark.full
def test_without_speech_or_with_no_speakers_there_are_none_by_default(
    cli: Cli, video: Path, fleet: Any, document: Any, monkeypatch: Any
) -> None:
    monkeypatch.delenv("FRAMEFLEET_STAGES")
    fleet(speakers=people(1))
    cli("run", video, "--no-speech")
    assert document().speakers is None
    cli("run", video, "--no-speakers")
    assert document().speakers is None
    cli("run", video)
    assert len(document().speakers) == 1
