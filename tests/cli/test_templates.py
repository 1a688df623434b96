"""`framefleet templates` and `framefleet classify`: what programs read, and what a person is told."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from framefleet.corpus import classify, templates
from framefleet.corpus.labels import Label
from tests.cli.conftest import Told
from tests.corpus.make import KINDS, made
from tests.library.make import KnowsFewWords, document, put

Cli = Callable[..., Told]

LABELS = """
[[label]]
name = "space"
description = "planets and orbit"
examples = ["an astronaut in orbit"]
[[label]]
name = "bread"
description = "dough and ovens"
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for kind in KINDS:
        for n in range(4):
            put(tmp_path / "out", made(kind, n))
    return tmp_path / "out"


def test_templates_are_written_with_their_page_and_vectors(cli: Cli, results: Path, tmp_path: Path) -> None:
    (results / "corpus.json").write_text("{}")
    told = cli("templates", results, "-o", "templates.json", "--no-reports", "--vectors", "v.csv")
    assert told.code == 0, told.err
    found = json.loads((tmp_path / "templates.json").read_text(encoding="utf-8"))
    assert [cluster["id"] for cluster in found["clusters"]] == ["t1", "t2", "t3", "t4"]
    everything = [path for cluster in found["clusters"] for path in cluster["members"]] + found["alone"]
    assert sorted(everything) == sorted(str(path) for path in results.glob("*_results.json"))
    assert len(found["figures"]) == 57
    with (tmp_path / "v.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16
    assert float(rows[0]["cuts_per_min"]) >= 0
    assert (tmp_path / "templates.html").stat().st_size > 50_000
    assert "t1: 4 videos, such as" in told.out
    assert "hook:" in told.out
    assert not list(results.glob("*_report.html"))


def test_reports_that_are_missing_are_written_for_the_page(cli: Cli, results: Path, tmp_path: Path) -> None:
    kept = results / "list00_report.html"
    kept.write_text("mine")
    assert cli("templates", results).code == 0
    assert len(list(results.glob("*_report.html"))) == 16
    assert kept.read_text() == "mine"
    assert '"report":"out/list00_report.html"' in (tmp_path / "templates.html").read_text(encoding="utf-8")


def test_ids_stay_when_it_is_run_again_with_more(cli: Cli, results: Path, tmp_path: Path) -> None:
    def ids() -> dict[str, str]:
        found = json.loads((tmp_path / "templates.json").read_text(encoding="utf-8"))
        return {cluster["id"]: Path(cluster["medoid"]).name[:4] for cluster in found["clusters"]}

    cli("templates", results, "--no-reports")
    before = ids()
    for n in range(4, 9):
        put(results, made("slides", n))  # now the largest
    cli("templates", results, "--no-reports")
    assert ids() == before


def test_a_file_that_is_something_else_is_not_overwritten(cli: Cli, results: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text('{"a": 1}')
    told = cli("templates", results, "-o", "mine.json")
    assert told.code == 2
    assert "not what framefleet templates writes" in told.err
    assert (tmp_path / "mine.json").read_text() == '{"a": 1}'


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give results"),
        (["out", "-o", "x.txt"], "does not end in .json"),
        (["out", "--vectors", "x.xls"], "ends neither in .csv nor in .parquet"),
        (["--watch", "nowhere"], "not a folder"),
        (["nowhere_results.json"], "cannot be read"),
    ],
)
def test_what_it_cannot_do_it_says(cli: Cli, results: Path, arguments: list[str], said: str) -> None:
    told = cli("templates", *arguments)
    assert told.code == 2
    assert said in told.err


def test_watching_ends_with_what_is_there(
    cli: Cli, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framefleet.outputs.templates.watching.PATIENCE_S", 0.0)
    told = cli("templates", "--watch", results, "--no-reports")
    assert told.code == 0, told.err
    assert "16 videos, 4 templates, 0 alone" in told.out
    assert (tmp_path / "templates.json").exists()


def test_from_python_it_is_the_same(cli: Cli, results: Path, tmp_path: Path) -> None:
    cli("templates", results, "--no-reports")
    found = json.loads((tmp_path / "templates.json").read_text(encoding="utf-8"))
    assert [cluster.members for cluster in templates([results]).clusters] == [
        one["members"] for one in found["clusters"]
    ]


@pytest.fixture
def videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("framefleet.embedding.open_embedder", KnowsFewWords)
    (tmp_path / "labels.toml").write_text(LABELS)
    put(tmp_path / "out", document((0, 4, "An astronaut in orbit"), name="IMG_1.mp4"))
    put(tmp_path / "out", document((0, 4, "Der Teig ruht."), name="IMG_2.mp4", language="de"))
    return tmp_path / "out"


def test_programs_read_labels_as_json(cli: Cli, videos: Path) -> None:
    told = cli("classify", videos, "--labels", "labels.toml", "--json")
    assert told.code == 0, told.err
    first, second = json.loads(told.out)
    assert (first["video"], first["label"], first["second"], first["unsure"]) == ("IMG_1.mp4", "space", "bread", False)
    assert 0 <= first["score"] <= 1
    assert first["because"] == [{"text": "An astronaut in orbit", "start_s": 0.0}]
    assert (second["label"], second["unsure"]) == (None, True)
    assert "by words only" in second["note"]


def test_a_person_reads_labels_and_why(cli: Cli, videos: Path) -> None:
    told = cli("classify", videos, "--labels", "labels.toml")
    assert told.out.splitlines()[:2] == ["IMG_1.mp4: space (1.00)", "  0:00.0: An astronaut in orbit"]
    assert "by words only: the language model knows English, and this is de" in told.out


def test_classify_without_the_model_says_how_to_fetch_it(
    cli: Cli, videos: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRAMEFLEET_MODELS", str(tmp_path / "none"))
    told = cli("classify", videos, "--labels", "labels.toml")
    assert told.code != 0
    assert "fetch" in told.err


def test_from_python_labels_may_be_given_as_such(videos: Path) -> None:
    found = classify([videos], [Label("space", "planets and orbit"), Label("bread", "dough")])
    assert [one.video for one in found] == ["IMG_1.mp4", "IMG_2.mp4"]
