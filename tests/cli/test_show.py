import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from framefleet.schema.document import Document
from framefleet.schema.sounds import SoundEvent, Sounds
from framefleet.schema.speech import Segment, Transcription
from framefleet.schema.text import TextResult, TextSpan
from framefleet.schema.tracks import TracksResult
from tests.cli.conftest import Told
from tests.results.make import make_document, write_document
from tests.results.test_find import BOX, saying, seeing

Cli = Callable[..., Told]


def rich() -> Document:
    """Three seconds with a cat in the first two pictures, and Music."""
    return replace(
        seeing([["cat", "cat"], ["cat"], []]),
        transcription=saying([["Here", "is"], ["the", "Café,"]]).transcription,
        sounds=Sounds(0.3, [SoundEvent("Background music", 1, 0.0, 1.5, 0.71, 0.5)]),
        text=TextResult([TextSpan("NOEXIT\x1b[31m", 1.0, 2.0, (1.0, 2.0, 30.4, 40.6), 0.93, 1)], 1, 0, 0),
        failures=[],
    )


@pytest.fixture
def ask(cli: Cli, tmp_path: Path) -> Callable[..., Told]:
    """`ask("--at", 1)`: what `show` says of that document, or of another one."""

    def show(*arguments: object, of: Document | None = None) -> Told:
        write_document(of or rich(), tmp_path / "clip_results.json")
        return cli("show", "clip_results.json", *arguments)

    return show


def test_a_document_as_a_table(ask: Cli) -> None:
    told = ask()
    lines = told.out.splitlines()
    assert told.code == 0
    assert lines[0] == "clip.mp4: 3.0 s, 3 frames"
    assert lines[2].split()[:6] == ["seen", "cat", "3", "1", "0:00.0", "0:01.0"]
    assert lines[-1] == "  results    clip_results.json"


def test_all_there_is_at_a_time(ask: Cli) -> None:
    told = ask("--at", "0:01.2")
    assert told.code == 0
    assert told.out.splitlines() == [
        "0:01.2 of clip.mp4",
        "  scene      1 of 1, 0:00.0 to 0:02.0",
        "             frame at 0:01.0  confidence  track  left, top, right, bottom",
        "  seen       cat                    0.50      7  0, 0, 1, 1",
        "  said       Here [is] the Café,",
        "  spoke      unknown: stage not run",
        "  heard      Background music 0.71",
        "             text        confidence  left, top, right, bottom",
        "  written    NOEXIT[31m        0.93  1, 2, 30, 41",
    ]


def test_when_a_label_is_seen(ask: Cli) -> None:
    told = ask("--label", "CAT")
    assert (told.code, told.out.splitlines()) == (
        0,
        [
            "  seen       cat in 2 frames, at most 2 at once, track 7",
            "               from      to  frames  at once  tracks",
            "             0:00.0  0:02.0       2        2  7",
        ],
    )


def test_when_something_is_said_heard_and_written(ask: Cli) -> None:
    told = ask("--say", "IS the cafe", "--sound", "music", "--text", "exit")
    assert told.code == 0
    assert told.out.splitlines() == [
        "               from      to  words",
        "  said       0:01.0  0:04.0  Here [is the Café,]",
        "               from      to  sound             score",
        "  heard      0:00.0  0:01.5  Background music   0.71",
        "               from      to  text        confidence  left, top, right, bottom",
        "  written    0:01.0  0:02.0  NOEXIT[31m        0.93  1, 2, 30, 41",
    ]


def test_without_words_each_match_is_told_by_itself(ask: Cli) -> None:
    text = "A picture of a woman who has been to space and of a man in a field and then a cat. Another cat sleeps here."
    document = replace(make_document(), transcription=Transcription("en", text, [Segment(0, 9, text, 0, 0, [])]))
    told = ask("--say", "cat", of=document)
    lines = told.out.splitlines()[1:]
    assert [line.split("  ")[-1] for line in lines] == [
        "in a field and then a [cat.] Another cat sleeps here.",
        "field and then a cat. Another [cat] sleeps here.",
    ]


def test_a_cut_since_the_last_picture_is_told(ask: Cli) -> None:
    like = (make_document().scenes or [])[0]
    scenes = [replace(like, index=n, start_s=start, end_s=start + 2) for n, start in enumerate((0.0, 1.3))]
    told = ask("--at", 1.4, of=replace(rich(), scenes=scenes))
    assert (
        "  seen       unknown: a cut since the frame at 0:01.0; boxes follow with the next sample"
        in told.out.splitlines()
    )
    (now,) = json.loads(ask("--at", 1.4, "--json", of=replace(rich(), scenes=scenes)).out).values()
    assert (now["cut_since"], now["things"], now["picture_s"]) == (True, None, 1.0)


def test_a_part_of_the_time(ask: Cli) -> None:
    told = ask("--from", 1, "--to", 1.5)
    lines = told.out.splitlines()
    assert lines[1] == "  only       0:01.0 to 0:01.5"
    assert next(line for line in lines if "cat" in line).split()[2:5] == ["1", "1", "0:01.0"]
    assert "Here is" in told.out
    assert not any(line.startswith("  took") for line in lines)
    assert ask("--from", "2", "--label", "cat").code == 1
    assert ask("--to", "1:00", "--label", "cat").code == 0


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (("--label", "dog"), "  seen       no dog; available: cat"),
        (("--label", "cart"), "  seen       no cart; did you mean cat? available: cat"),
        (("--say", "dog"), "  said       no match for dog"),
        (("--sound", "dog"), "  heard      no dog; available: Background music"),
        (("--text", "dog"), "  written    no match for dog"),
    ],
)
def test_nothing_of_what_was_looked_for_is_there(ask: Cli, question: tuple[str, str], answer: str) -> None:
    assert ask(*question) == Told(1, f"{answer}\n", "")
    assert ask(*question, "--label", "cat").code == 0
    assert ask(*question, "--json").code == 1


def test_nothing_was_looked_for(ask: Cli) -> None:
    parts = ("detections", "transcription", "scenes", "tracks", "sounds", "text")
    bare = replace(make_document(), failures=[], **dict.fromkeys(parts))
    why = "unknown: stage not run"
    told = ask("--at", 0, "--label", "a", "--say", "a", "--sound", "a", "--text", "a", of=bare)
    assert told.out.count(why) == 9
    assert told.code == 0
    assert ask(of=bare).code == 0
    nothing = replace(bare, detections=[], tracks=TracksResult([]), sounds=Sounds(0.3, []))
    told = ask(of=nothing)
    assert "  seen       nothing" in told.out
    assert "  heard      nothing" in told.out
    assert "  written" not in told.out
    assert "  written    nothing" in ask(of=replace(nothing, text=TextResult([], 0, 0, 0))).out


def test_of_sound_alone(ask: Cli) -> None:
    made = make_document()
    video = replace(made.video, width=0, height=0, codec="", fps=0.0, frame_count=0)
    document = replace(made, video=video, detections=None, tracks=None, scenes=None)
    assert "audio only" in ask(of=document).out
    assert "[Hello]" in ask("--at", 0.2, of=document).out


def test_for_programs(ask: Cli) -> None:
    told = ask("--at", 1, "--label", "cat", "--say", "cafe", "--sound", "music", "--text", "exit", "--json")
    assert told.out.isascii()
    found: dict[str, Any] = json.loads(told.out)
    assert list(found) == ["at", "label", "say", "sound", "text"]
    assert found["at"]["things"][0] == {"label": "cat", "confidence": 0.5, "box": list(BOX), "track": 7}
    assert found["label"]["cat"] == [{"start_s": 0.0, "end_s": 2.0, "pictures": 2, "most": 2, "tracks": [7]}]
    assert found["say"][0]["text"] == "Café,"
    assert found["text"][0]["text"] == "NOEXIT\x1b[31m"
    assert [one["label"] for one in json.loads(ask("--json").out)["seen"]] == ["cat"]


@pytest.mark.parametrize(
    ("question", "why"),
    [
        (("--at", "99"), "--at 99: clip_results.json covers 0:00.0 to 0:03.0"),
        (("--at", "noon"), "--at noon: not a time; write it as 12.5, 1:02.5 or 1:02:03"),
        (("--from", "3"), "--from 3: clip_results.json ends there"),
        (("--from", "4"), "--from 4: clip_results.json covers 0:00.0 to 0:03.0"),
        (("--from", "2", "--to", "1"), "--to 1: not after the start, 0:02.0"),
        (("--say", "?!"), "--say '?!': contains no letter or digit to search for"),
    ],
)
def test_a_question_that_makes_no_sense(ask: Cli, question: tuple[str, ...], why: str) -> None:
    told = ask(*question)
    assert (told.code, told.out, told.line) == (2, "", f"error: {why}")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ('{"schema_version": "3"}', "schema version 3, but this FrameFleet reads 1 and 2; update FrameFleet"),
        ('{"schema_version": "1", "video": {', "not a complete FrameFleet document"),
        ("\x1b[31m", "not a complete FrameFleet document"),
        (None, "cannot be read"),
    ],
)
def test_no_such_document(cli: Cli, tmp_path: Path, content: str | None, why: str) -> None:
    if content is not None:
        (tmp_path / "bad.json").write_text(content)
    told = cli("show", "bad.json")
    assert told.code == 2
    assert why in told.line
    assert "bad.json" in told.line
