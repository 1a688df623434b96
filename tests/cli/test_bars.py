"""What a person sees while a run goes, on a terminal and elsewhere."""

import io
import sys

import pytest

from framefleet.cli.output.bars import Bars, Lines
from framefleet.progress import (
    Event,
    ItemDone,
    ItemFailed,
    Notice,
    StageDone,
    StageStarted,
)

EVENTS: list[Event] = [
    Notice("speech: no whisper endpoint is set"),
    StageStarted("objects", "runpod", 3, 40, "frames"),
    StageStarted("speech", "local", 1, 24.36, "s"),
    ItemDone("objects", 1, 16, 5, 0.21),
    ItemDone("speech", 0, 20.5, 2, 1.0),
    ItemFailed("objects", 0, 16, "it broke"),
    ItemFailed("objects", 2, 8, "it broke"),
    StageDone("objects"),
    StageDone("speech"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(listener_of: type[Bars], stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, **options: bool) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with listener_of(**options) as listener:
        for event in EVENTS:
            listener(event)
    return stream.getvalue()


def test_elsewhere_there_are_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(Bars, io.StringIO(), monkeypatch).splitlines() == [
        "speech: no whisper endpoint is set",
        "objects: 40 frames in 3 requests, runpod",
        "speech: 24.36 s in 1 request, local",
        "objects: it broke",
        "objects: done",
        "speech: done",
    ]


def test_verbose_adds_a_line_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = told(Bars, io.StringIO(), monkeypatch, verbose=True).splitlines()
    assert "Batch 2/3: 16 frames, 0.21 s (76 frames/s)" in lines
    assert "Chunk 1/1: 20.5 s, 1.00 s (20 s/s)" in lines


def test_sequential_has_lines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = told(Lines, Terminal(), monkeypatch).splitlines()
    assert "Frame 2/3: 5 objects (0.210 s)" in lines
    assert not any("%" in line for line in lines)


def test_a_terminal_gets_a_bar_a_stage_that_ends_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    drawn = told(Bars, Terminal(), monkeypatch)
    assert drawn.count("it broke\n") == 1
    assert "done" not in drawn
    for stage, all_of_it in (("objects", "40/40 frames"), ("speech", "24/24 s")):
        bars = [piece for piece in drawn.replace("\n", "\r").split("\r") if stage in piece and "%|" in piece]
        assert "  0%|" in bars[0]
        assert "100%|" in bars[-1]
        assert all_of_it in bars[-1]
        assert "/s]" in bars[-1]


def test_what_an_earlier_run_answered_is_told_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    for started, said in (
        (StageStarted("objects", "local", 0, 0, "frames", known=40), "100%|"),
        (StageStarted("objects", "local", 1, 10, "frames", known=30), " 75%|"),
    ):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        with Bars() as listener:
            listener(started)
        assert f"objects: {started.known} frames already answered by an earlier run\n" in terminal.getvalue()
        assert said in terminal.getvalue()
