import re
from collections.abc import Callable

import pytest

from framefleet import __version__
from framefleet.cli.help import COMMANDS, Commands
from framefleet.cli.options.run import FLAGS
from framefleet.config.loading import spelt
from tests.cli.conftest import Told

Cli = Callable[..., Told]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_help_shows_every_option(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = cli(command, "--help")
    shown = set(re.findall(r"--[a-z][a-z-]+", told.out))
    assert told.code == 0
    assert {spelt(name) for name in FLAGS} <= shown
    assert {"--no-speech", "--verbose", "--sequential"} <= shown


def test_help_shows_every_command(cli: Cli) -> None:
    told = cli("--help")
    assert told.code == 0
    assert all(re.search(rf"│ {command} +\w", told.out) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_listed_with_the_first_line_of_its_own_help(command: str) -> None:
    assert Commands()[command].help.splitlines()[0] == COMMANDS[command]


def test_the_nearest_command_is_told_of_one_that_does_not_exist(cli: Cli) -> None:
    told = cli("rnu")
    assert told.code == 2
    assert "No such command 'rnu'" in told.line and "Did you mean 'run'" in told.line


def test_help_of_a_command(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    lines = [line.strip("│ ").split() for line in cli("render", "--help").out.splitlines()]
    assert ["Usage:", "framefleet", "render", "[OPTIONS]", "{RESULT.json}"] in lines
    assert ["*", "RESULT.json", "result", "of", "a", "run", "[required]"] in lines
    assert ["--from", "TIME", "start", "time,", "such", "as", "1:02:03"] in lines
    assert any(line[:2] == ["--legend", "--no-legend"] for line in lines)
    (crf,) = (line for line in lines if line[:2] == ["--crf", "NUMBER"])
    assert crf[-3:] == ["[default:", "20.0;", "0<=x<=51]"]


def test_help_is_whole_where_there_is_little_room(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in COMMANDS:
        told = cli(command, "--help").out
        assert max(map(len, told.splitlines())) <= 80
        assert "…" not in told.replace("[,FORMAT…]", "").replace("sounds, …", "")


def test_the_version(cli: Cli) -> None:
    assert cli("--version") == Told(0, f"framefleet {__version__}\n", "")


@pytest.mark.parametrize("command", ["run", "plan", "report", "show", "render", "export", "emulate", "deploy", "down"])
def test_help_names_no_type_of_python(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = cli(command, "--help")
    assert not re.search(r"<[\w\[\] ]+>|BOOLEAN|FLOAT RANGE", told.out)


def test_help_tells_of_all_that_is_looked_for(cli: Cli) -> None:
    for told in (cli("--help"), cli("run", "--help")):
        assert "objects, speech, sounds, text and scenes" in " ".join(told.out.split())
