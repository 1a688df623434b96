"""A stage that another package declares is planned, priced, asked, kept and shown as if it were one of ours."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib import reload
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pytest

from framefleet.analysis import execute, prepare, unanswered_plans
from framefleet.cli import help
from framefleet.cli.commands import show
from framefleet.cli.commands.plan import described
from framefleet.cli.output import answers
from framefleet.cli.output.table import Page
from framefleet.config.loading import load_fleet, load_options, make_options
from framefleet.config.options import Setting, StageOptions
from framefleet.errors import SetupError, UsageError
from framefleet.outputs.export.otio import marks
from framefleet.outputs.export.table_files import tables
from framefleet.outputs.report.head import head_of
from framefleet.results.query.search import matches
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document, FailureEntry
from framefleet.schema.results import FoundSpan, StageResult
from framefleet.stages import registry
from framefleet.stages.registry import register, registered, unregister
from framefleet.stages.spec import (
    Belongs,
    Deriving,
    Mark,
    Marks,
    Presentation,
    Result,
    ResultKind,
    Search,
    Shown,
    StageSpec,
    Table,
)
from tests.cli.conftest import sees_a_person
from tests.conftest import ROOT
from tests.media.make import make_video
from tests.outputs.report.test_columns import unpack
from tests.results.make import make_document, write_document
from tests.stages.describing import DESCRIBE, DescribeOptions, Describer

SCENES = "[[0, 1.5], [1.5, 3.0], [3.0, 5.0]]"


@pytest.fixture(autouse=True)
def declared() -> Iterator[None]:
    with registered(DESCRIBE):
        yield


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Five seconds in three shots: dark, grey, light."""
    shots = np.random.default_rng(7).integers(0, 115, (3, 12, 16, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    pictures = [shots[n] + np.uint8(70 * n) for n in [0] * 15 + [1] * 15 + [2] * 20]
    return make_video(tmp_path / "film.mp4", frames=50, fps=10, size=(128, 96), pictures=pictures)


def options(tmp_path: Path, **more: Any) -> Any:
    given = tmp_path / "scenes.json"
    given.write_text(SCENES)
    return make_options({"stages": "describe", "scenes": given, "output_dir": tmp_path / "out"} | more)


def analysed(film: Path, fleet: Any, options: Any) -> Document:
    prepared = prepare(film, options, fleet)
    execute(prepared)
    return read_document(prepared.path)


def test_it_gets_three_pictures_of_each_scene_is_paid_once_and_kept(emulate: Any, film: Path, tmp_path: Path) -> None:
    describer = Describer()
    service = emulate(describe=describer)
    document = analysed(film, service.fleet, options(tmp_path))
    assert describer.requests == [3, 3, 3]
    assert document.further["describe"].label == "described"
    told = [(one.start_s, one.end_s, one.text) for one in document.further["describe"].spans]
    assert told == [
        (0, 1.5, "dark / dark / dark"),
        (1.5, 3.0, "grey / grey / grey"),
        (3.0, 5.0, "light / light / light"),
    ]
    assert document.further["describe"].data[0] == {"start_s": 0, "end_s": 1.5, "words": "dark / dark / dark"}
    assert [scene.results for scene in document.scenes or ()] == [
        {"described": ["dark / dark / dark"]},
        {"described": ["grey / grey / grey"]},
        {"described": ["light / light / light"]},
    ]
    assert document.cost.usd > 0
    assert document.failures == []
    again = analysed(film, service.fleet, options(tmp_path))
    assert len(describer.requests) == 3
    assert again.cost.usd == 0
    assert again.further == document.further


def test_scenes_that_are_looked_for_are_decoded_before_and_then_described(emulate: Any, tmp_path: Path) -> None:
    shots = np.random.default_rng(7).integers(0, 255, (3, 12, 16, 3), dtype=np.uint8).repeat(8, 1).repeat(8, 2)
    pictures = [shots[n] for n in [0] * 15 + [1] * 15 + [2] * 20]
    film = make_video(tmp_path / "cuts.mp4", frames=50, fps=10, size=(128, 96), pictures=pictures)
    describer = Describer()
    service = emulate(describe=describer)
    document = analysed(film, service.fleet, options(tmp_path, scenes=None))
    assert [scene.start_s for scene in document.scenes or ()] == pytest.approx([0.0, 1.5, 3.0], abs=0.2)
    assert describer.requests == [3, 3, 3]
    assert document.timing.decode["pictures"].done == 25 + 9
    again = analysed(film, service.fleet, options(tmp_path, scenes=None))
    assert (len(describer.requests), again.cost.usd) == (3, 0)


def test_without_scenes_there_is_nothing_to_describe_and_the_rest_is_kept(
    emulate: Any, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise ValueError("no scenes today")

    monkeypatch.setattr("framefleet.stages.scenes.watcher.SceneWatcher.finish", broken)
    service = emulate(describe=Describer(), yolo=sees_a_person)
    document = analysed(film, service.fleet, options(tmp_path, scenes=None, stages="describe,objects"))
    assert document.further == {}
    assert {failure.stage: failure.error for failure in document.failures} == {
        "scenes": "a fault of this program: ValueError: no scenes today",
        "describe": "no input: scenes has no result",
    }
    assert document.detections


def test_it_is_planned_and_priced_before_its_scenes_are_known(emulate: Any, film: Path, tmp_path: Path) -> None:
    service = emulate(describe=Describer())
    prepared = prepare(film, options(tmp_path, price=0.001), service.fleet)
    (plan,) = prepared.plan.fleet
    assert plan.expected
    assert (plan.units, len(plan.items)) == (3, 1), "a scene is expected to last 5 s"
    assert plan.estimate.usd > 0
    assert unanswered_plans(prepared) == [plan]
    assert "describe about 3 frames in 1 request" in described(prepared)


def test_it_is_in_summary_search_report_and_tables(emulate: Any, film: Path, tmp_path: Path, cli: Any) -> None:
    service = emulate(describe=Describer())
    prepared = prepare(film, options(tmp_path), service.fleet)
    execute(prepared)
    summary = cli("show", prepared.path)
    assert re.search(r"described +light / light / light +1 ", summary.out)
    assert re.search(r"\n +dark / dark / dark +1 ", summary.out)
    assert re.search(r"described +grey / grey / grey", cli("show", prepared.path, "--at", "2").out)
    found = cli("show", prepared.path, "--find", "light")
    assert found.code == 0
    assert re.search(r"described +0:03.0 +0:05.0 +light / light / light", found.out)
    assert cli("show", prepared.path, "--find", "purple").code == 1
    (match,) = json.loads(cli("show", prepared.path, "--find", "LIGHT", "--json").out)["find"]
    assert (match["stage"], match["start_s"], match["name"]) == ("describe", 3.0, "light / light / light")
    part = json.loads(cli("show", prepared.path, "--from", "3.5", "--json").out)
    assert [one["label"] for one in part["describe"]] == ["light / light / light"]
    document = read_document(prepared.path)
    head, columns = head_of(document, None, {}, wanted=False)
    lane = unpack(head["lengths"], columns)[1]["further"]
    assert [(one["stage"], one["label"], len(one["spans"])) for one in lane] == [("describe", "described", 3)]
    assert next(row[3] for row in tables(document)["describe"].rows) == "dark / dark / dark"
    assert [one.mark.name for one in marks(document) if one.stage == "describe"][1] == "grey / grey / grey"


SHOWN = replace(
    DESCRIBE.output,
    tables=lambda found, document: {
        "describe": Table({"words": str, "start_s": float}, [(one.words, one.start_s) for one in found]),
        "scenes": Table({"scenes": int}, [(len(document.scenes or ()),)]),
    },
    marks=Marks(lambda found: [Mark(one.words, one.start_s, one.end_s, {"long": True}) for one in found], "BLUE"),
    presentation=Presentation.STARTS,
    search=Search(
        "words",
        "WORDS",
        "when a description has these words",
        items=lambda found: found,
        columns=(Shown("description", lambda one: str(one.words).upper(), main=True),),
    ),
    in_scenes=lambda scenes, found, _: [[one.words[:4] for one in found if one.start_s == s.start_s] for s in scenes],
)


@pytest.fixture
def shown() -> Iterator[None]:
    """The stage with all that can be declared of what becomes of its result; options are made when `show` loads."""
    unregister("describe")
    with registered(replace(DESCRIBE, output=SHOWN, config=lambda _, __, reply: {"model": reply.model})):
        reload(show)
        help._command.cache_clear()
        yield
    reload(show)
    help._command.cache_clear()


@pytest.mark.usefixtures("shown")
def test_it_says_how_it_is_exported_told_and_searched(emulate: Any, film: Path, tmp_path: Path, cli: Any) -> None:
    service = emulate(describe=Describer())
    prepared = prepare(film, options(tmp_path), service.fleet)
    execute(prepared)
    document = read_document(prepared.path)
    assert document.config.stages == {"describe": {"model": "fake"}}
    assert [scene.results for scene in document.scenes or ()] == [
        {"described": ["dark"]},
        {"described": ["grey"]},
        {"described": ["ligh"]},
    ]
    assert cli("export", prepared.path, "--to", "csv", "-o", f"{tmp_path}/tables").code == 0
    made = {path.name.removeprefix(prepared.path.stem): path for path in (tmp_path / "tables").rglob("*.csv")}
    told = {name: path.read_text("utf-8-sig").splitlines() for name, path in made.items() if "describe" in name}
    assert sorted(lines[:2] for lines in told.values()) == [
        ["scenes", "3"],
        ["words,start_s", "dark / dark / dark,0.0"],
    ]
    assert [(one.mark.more, one.shown.color) for one in marks(document) if one.stage == "describe"] == [
        ({"long": True}, "BLUE")
    ] * 3
    assert re.search(r"\n  described +3, from 0:00.0, 0:01.5, 0:03.0\n", cli("show", prepared.path).out)
    found = cli("show", prepared.path, "--words", "light")
    assert re.search(r"described +0:03.0 +0:05.0 +LIGHT / LIGHT / LIGHT", found.out)
    assert json.loads(cli("show", prepared.path, "--words", "grey", "--json").out) == {
        "words": [{"start_s": 1.5, "end_s": 3.0, "words": "grey / grey / grey"}]
    }
    missed = cli("show", prepared.path, "--words", "purple")
    assert missed.code == 1
    assert re.search(r"described +no match for purple", missed.out)
    assert "when a description has these words" in cli("show", "--help").out


def test_that_it_failed_is_in_the_summary(tmp_path: Path, cli: Any) -> None:
    failure = FailureEntry(stage="describe", error="out of words", attempts=1)
    path = tmp_path / "film_results.json"
    write_document(msgspec.structs.replace(make_document(), failures=[failure]), path)
    assert re.search(r"\n  described +failed\n", cli("show", path).out)


def test_what_it_makes_of_anothers_result_is_counted_beside_that(tmp_path: Path, cli: Any) -> None:
    kind = ResultKind("paired", lambda _: (), list[str], presentation=None, counted=lambda found: found)
    pairs = StageSpec(name="pairs", inputs=(Result("objects"),), runs=Deriving(lambda: Any), output=kind)
    path = tmp_path / "film_results.json"
    found = {"pairs": StageResult(label="paired", spans=[], data=["person", "person", "cat"])}
    write_document(msgspec.structs.replace(make_document(), results=found), path)
    with registered(pairs):
        summary = cli("show", path).out
    assert re.search(r"count +tracks +pairs +first", summary)
    assert re.search(r"seen +person +1 +1 +2 +0:00.0", summary)
    assert re.search(r"heard +Speech +1 +0:00.0", summary)
    assert "paired" not in summary


def test_what_another_version_of_it_wrote_is_shown_as_if_it_declared_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    span = FoundSpan(start_s=0, end_s=1, text="dark")
    told = StageResult(label="described", spans=[span], data=[{"of": "another version"}])
    document = msgspec.structs.replace(make_document(), results={"describe": told})
    unregister("describe")
    with registered(replace(DESCRIBE, output=SHOWN)):
        assert [row[3] for row in tables(document)["describe"].rows] == ["dark"]
        assert [one.mark.name for one in marks(document) if one.stage == "describe"] == ["dark"]
        assert matches(document, "describe", "dark") == [span]
        answers.answer(document, "describe", "dark", [span], Page())
    assert re.search(r"described +0:00.0 +0:01.0 +dark", capsys.readouterr().out)


def test_exports_of_tables_need_nothing_but_what_it_found(tmp_path: Path, cli: Any) -> None:
    told = StageResult(label="described", spans=[FoundSpan(start_s=0, end_s=1, text="dark")])
    nothing: dict[str, Any] = dict.fromkeys(("detections", "transcription", "scenes", "tracks", "sounds", "text"))
    path = tmp_path / "film_results.json"
    write_document(msgspec.structs.replace(make_document(), **nothing, results={"describe": told}), path)
    assert cli("export", path, "--to", "csv").code == 0


@pytest.mark.parametrize("option", ["sound", "find", "two words"])
def test_an_option_is_no_other_stages(option: str) -> None:
    kind = replace(DESCRIBE.output, search=Search(option, "TEXT", "when"))
    with pytest.raises(SetupError, match="cannot have an option"):
        register(replace(DESCRIBE, name="other", output=kind))


def test_what_it_found_is_shown_where_the_stage_is_not_installed(
    emulate: Any, film: Path, tmp_path: Path, cli: Any
) -> None:
    service = emulate(describe=Describer())
    prepared = prepare(film, options(tmp_path), service.fleet)
    execute(prepared)
    unregister("describe")
    assert "dark / dark / dark" in cli("show", prepared.path).out
    assert cli("show", prepared.path, "--find", "grey").code == 0
    assert cli("report", prepared.path).code == 0


def test_an_answer_depends_on_what_is_keyed_alone(emulate: Any, film: Path, tmp_path: Path) -> None:
    describer = Describer()
    service = emulate(describe=describer)
    analysed(film, service.fleet, options(tmp_path))
    analysed(film, service.fleet, options(tmp_path, describe_tone="loud"))
    assert len(describer.requests) == 3
    document = analysed(film, service.fleet, options(tmp_path, describe_prompt="Who is there?"))
    assert describer.prompts == {"What is this?": 3, "Who is there?": 3}
    assert document.config.stages == {"describe": {"prompt": "Who is there?", "tone": "plain"}}
    analysed(film, service.fleet, options(tmp_path, describe_crop="0,0,64,48"))
    assert len(describer.requests) == 9


def test_by_name_alone_it_needs_its_endpoint(film: Path, tmp_path: Path, cli: Any) -> None:
    told = cli("run", film, "--stages", "describe", "--output-dir", tmp_path / "out")
    assert told.code == 2
    assert "set FRAMEFLEET_DESCRIBE_ENDPOINT" in told.line
    assert "describe" not in prepare(film, make_options({"stages": "all"}), load_fleet(environ={})).plan.names


def test_of_all_stages_one_that_lacks_something_is_left_out_and_said(film: Path) -> None:
    unregister("describe")
    with registered(replace(DESCRIBE, belongs=Belongs.ALL)):
        plan = prepare(film, make_options({"stages": "all"}), load_fleet(environ={})).plan
        assert "describe" not in plan.names
        assert plan.left_out["describe"].endswith("set FRAMEFLEET_DESCRIBE_ENDPOINT")


def test_settings_and_endpoint_come_from_the_environment_and_the_file(tmp_path: Path) -> None:
    (tmp_path / "framefleet.toml").write_text(
        '[endpoints]\ndescribe = "d-1"\n[stages.describe]\nprompt = "Why?"\nmax_side = 320', encoding="utf-8"
    )
    assert load_fleet(environ={}, folder=tmp_path).endpoints == {"describe": "d-1"}
    assert load_fleet(environ={"FRAMEFLEET_DESCRIBE_ENDPOINT": "d-2"}, folder=tmp_path).endpoints["describe"] == "d-2"
    own = load_options({}, environ={"FRAMEFLEET_DESCRIBE_TONE": "loud"}, folder=tmp_path).own["describe"]
    assert own == DescribeOptions(prompt="Why?", tone="loud", max_side=320)


def test_no_line_of_the_program_names_it() -> None:
    source = ROOT / "src" / "framefleet"
    assert not [
        path for path in source.rglob("*.py") if re.search(r"""["']describe["']""", path.read_text(encoding="utf-8"))
    ]


def test_a_name_is_taken_once_and_has_to_be_one() -> None:
    with pytest.raises(SetupError, match="the name is taken"):
        register(DESCRIBE)
    for name in ("all", "two words", "Describe", ""):
        with pytest.raises(SetupError, match="invalid name"):
            register(replace(DESCRIBE, name=name))


def test_it_comes_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [
        EntryPoint("describe", "tests.stages.describing:DESCRIBE", registry.GROUP),
        EntryPoint("gone", "tests.stages.nowhere:GONE", registry.GROUP),
        EntryPoint("other", "tests.stages.describing:WORKER", registry.GROUP),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == registry.GROUP else [])
    assert list(registry.declared_elsewhere()) == [DESCRIBE]


def test_what_can_be_set_is_within_its_limits_and_says_what_it_is(tmp_path: Path) -> None:
    class Limited(StageOptions, frozen=True, kw_only=True):
        words: Annotated[Annotated[int, msgspec.Meta(ge=1, le=9)], Setting("how many words", "NUMBER")] = 5

    class Silent(StageOptions, frozen=True, kw_only=True):
        words: int = 5

    with registered(replace(DESCRIBE, name="limited", options=Limited)):
        assert make_options({"limited_words": "7"}).own["limited"] == Limited(words=7)
        with pytest.raises(UsageError, match="--limited-words 10: not valid; give a whole number from 1 to 9"):
            make_options({"limited_words": "10"})
    with pytest.raises(UsageError, match=r"Silent\.words: not described; annotate it with a Setting"):
        register(replace(DESCRIBE, name="silent", options=Silent))
