"""A stage that another package declares is planned, priced, asked, kept and shown as if it were one of ours."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pytest

from framefleet.cli.commands.plan import described
from framefleet.config.loading import load_fleet, load_options, make_options
from framefleet.config.options import Setting, StageOptions
from framefleet.errors import SetupError, UsageError
from framefleet.outputs.export.otio import marks
from framefleet.outputs.export.tables import tables
from framefleet.outputs.report.head import head_of
from framefleet.schema.codec import read_document
from framefleet.schema.document import Document
from framefleet.session import execute, prepare, unanswered_plans
from framefleet.stages import registry
from framefleet.stages.registry import register, registered, unregister
from framefleet.stages.spec import Belongs
from tests.cli.conftest import sees_a_person
from tests.conftest import ROOT
from tests.media.make import make_video
from tests.outputs.report.test_columns import unpack
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
    assert [mark.name for mark in marks(document) if mark.stage == "describe"][1] == "grey / grey / grey"


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
    with pytest.raises(SetupError, match="one of that name already"):
        register(DESCRIBE)
    for name in ("all", "two words", "Describe", ""):
        with pytest.raises(SetupError, match="a name is small letters"):
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
