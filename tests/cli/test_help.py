import re
from collections.abc import Callable

import pytest

from framefleet import __version__
from framefleet.cli.flags import FLAGS
from tests.cli.conftest import Told

Cli = Callable[..., Told]


@pytest.mark.parametrize("command", ["run", "plan"])
def test_help_shows_every_option(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = cli(command, "--help")
    shown = set(re.findall(r"--[a-z][a-z-]+", told.out))
    assert told.code == 0
    assert {f"--{name.replace('_', '-')}" for name in FLAGS} <= shown
    assert {"--no-speech", "--verbose", "--sequential"} <= shown


def test_help_shows_every_command(cli: Cli) -> None:
    told = cli("--help")
    assert told.code == 0
    assert all(command in told.out for command in ("run", "plan", "doctor"))


def test_the_version(cli: Cli) -> None:
    assert cli("--version") == Told(0, f"framefleet {__version__}\n", "")


@pytest.mark.parametrize("command", ["run", "plan", "report", "show", "render", "export", "emulate", "deploy", "down"])
def test_help_names_no_type_of_python(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    told = cli(command, "--help")
    assert not re.search(r"<[\w\[\] ]+>|BOOLEAN|FLOAT RANGE", told.out)


def test_help_tells_of_all_that_is_looked_for(cli: Cli) -> None:
    for told in (cli("--help"), cli("run", "--help")):
        assert "seen, said, heard and written" in told.out
