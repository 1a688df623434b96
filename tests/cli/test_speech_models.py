"""The speech model by name, and subtitles of a run, on the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Told

Cli = Callable[..., Told]


@pytest.fixture(autouse=True)
def no_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("FRAMEFLEET_STAGES", "speech")


def test_an_unknown_name_ends_with_the_names(cli: Cli, video: Path) -> None:
    told = cli("run", video, "--whisper-model", "enormous")
    assert told.code == 2
    assert "--whisper-model enormous: no such model" in told.line
    assert "base, small, medium, large-v3, large-v3-turbo, turbo" in told.line


def test_a_plan_says_what_would_be_downloaded(cli: Cli, video: Path) -> None:
    told = cli("plan", video, "--whisper-model", "small")
    assert told.code == 0
    assert "model small, would download 484 MB" in told.out


def test_a_plan_says_that_base_is_not_there(cli: Cli, video: Path) -> None:
    assert "model tiny.en, English only, as Whisper base was not downloaded" in cli("plan", video).out


def test_a_model_out_of_reach_ends_the_run_with_the_way_out(
    cli: Cli, video: Path, monkeypatch: pytest.MonkeyPatch, deaf_port: int, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{deaf_port}")
    told = cli("run", video, "--whisper-model", "small")
    assert told.code == 1
    assert "error: --whisper-model small: " in told.err
    assert "hint: give the folder of a faster-whisper model" in told.err
    assert "484 MB" in told.err
    assert not list(tmp_path.glob("output/*_results.json"))


def test_a_run_writes_subtitles(cli: Cli, video: Path, fleet: Callable[..., Any], tmp_path: Path) -> None:
    fleet()
    told = cli("run", video, "--srt")
    assert told.code == 0, told.err
    (subtitles,) = (tmp_path / "output").glob("*.srt")
    assert "Hello" in subtitles.read_text(encoding="utf-8")
    assert f"srt        {subtitles.relative_to(tmp_path)}" in told.out


def test_without_speech_there_are_none(cli: Cli, video: Path, fleet: Callable[..., Any], tmp_path: Path) -> None:
    fleet()
    told = cli("run", video, "--srt", "--stages", "objects")
    assert told.code == 0
    assert "no subtitles: srt: the speech stage did not run" in told.err
    assert not list((tmp_path / "output").glob("*.srt"))


@pytest.mark.full
def test_a_run_says_that_base_is_not_there(cli: Cli, video: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_VAD", "true")  # nobody speaks in it, so that no model is loaded
    told = cli("run", video)
    assert told.code == 0
    assert (
        "speech: using tiny.en, English only, as Whisper base was not downloaded; for better results run: " in told.err
    )
