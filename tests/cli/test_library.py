"""`framefleet library`: what programs read from it, and what a person does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Told
from tests.library.make import document, put

Cli = Callable[..., Told]

SPACE = document((0, 4, "An astronaut talks about space."), (20, 24, "Look at the stars."), name="space.mp4")
FABRIK = document((0, 4, "Die Firma wurde 1950 gegründet."), name="fabrik.mp4", language="de")


@pytest.fixture(autouse=True)
def words_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "models"))


def test_results_are_added_listed_searched_and_removed(cli: Cli, tmp_path: Path) -> None:
    put(tmp_path / "results", SPACE), put(tmp_path / "results" / "below", FABRIK)
    told = cli("library", "add", "results")
    assert (told.code, told.out) == (0, "output/framefleet-library.sqlite3: 2 new, 0 changed, 0 unchanged, 0 gone\n")
    told = cli("library", "list")
    assert [line.split()[0] for line in told.out.splitlines()] == ["video", "fabrik.mp4", "space.mp4"]
    told = cli("library", "search", "stars")
    assert told.code == 0
    assert told.out.splitlines()[:2] == ["space.mp4  0:20.0 to 0:24.0", "  speech     Look at the stars."]
    assert told.err == "searched by words only: MiniLM, the embedded model for the meaning of texts was not fetched\n"
    told = cli("library", "remove", "results/below")
    assert told.out == "output/framefleet-library.sqlite3: 1 result removed\n"
    told = cli("library", "search", "Firma")
    only = "searched by words only: MiniLM, the embedded model for the meaning of texts was not fetched"
    assert (told.code, told.out, told.err) == (1, f"Firma: {only}; try other words\n", "")


def test_programs_read_hits_as_json(cli: Cli, tmp_path: Path) -> None:
    path = put(tmp_path / "results", SPACE)
    cli("library", "add", path, "--library", "all.sqlite3")
    told = cli("library", "search", "stars", "--json", "--library", "all.sqlite3")
    assert json.loads(told.out) == [
        {
            "video": "space.mp4",
            "document": str(path),
            "start_s": 20.0,
            "end_s": 24.0,
            "source": "speech",
            "text": "Look at the stars.",
            "score": 1.0,
        }
    ]
    assert json.loads(cli("library", "list", "--json", "--library", "all.sqlite3").out)[0]["cards"] == 2
    told = cli("library", "search", "unicorn", "--json", "--library", "all.sqlite3")
    assert (told.code, told.out) == (1, "[]\n")


def test_a_hit_leads_to_its_time_in_the_report(cli: Cli, tmp_path: Path) -> None:
    path = put(tmp_path / "results", SPACE)
    cli("library", "add", "results", "--library", "results/")
    assert f"  result     {path}" in cli("library", "search", "stars", "--library", "results").out.splitlines()
    report = path.with_name("space_report.html")
    report.touch()
    told = cli("library", "search", "stars", "--library", "results")
    assert f"  report     {report.as_uri()}#t=20.00" in told.out.splitlines()


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["add"], "error: add: nothing is given; give results, or folders with results"),
        (["list", "x"], "error: list: takes no arguments; run: framefleet library list"),
        (["search", "?!"], "error: '?!': contains no letter or digit to search for"),
        (["list"], "error: output/framefleet-library.sqlite3: no library there"),
        (["add", "nothing.json"], "nothing.json: cannot be read (No such file or directory)"),
    ],
)
def test_what_cannot_be_done_is_told(cli: Cli, arguments: list[str], line: str) -> None:
    if arguments[0] == "search":
        put(Path("output"), SPACE)
        cli("library", "add", "output")
    told = cli("library", *arguments)
    assert told.code == 2
    assert line in told.line


def test_a_run_brings_the_library_of_its_folder_up_to_date(cli: Cli, video: Path, fleet: Any) -> None:
    fleet()
    for _ in range(2):
        assert cli("run", video, "-o", "results").code == 0
    hits = json.loads(cli("library", "search", "hello", "--json", "--library", "results").out)
    assert [(hit["video"], hit["source"]) for hit in hits] == [(str(video), "speech")]
    assert len(json.loads(cli("library", "list", "--json", "--library", "results").out)) == 1


def test_a_library_that_cannot_be_used_is_told_once_and_fails_no_run(
    cli: Cli, video: Path, fleet: Any, tmp_path: Path
) -> None:
    fleet()
    library = tmp_path / "results" / "framefleet-library.sqlite3"
    library.parent.mkdir()
    library.write_bytes(b"no database " * 99)
    (tmp_path / "again.mp4").write_bytes(video.read_bytes() + bytes(8))
    told = cli("run", video, "again.mp4", "-o", "results")
    assert told.code == 0
    assert told.err.count("the library is not up to date: ") == 1
    assert len([*library.parent.glob("*_results.json")]) == 2
