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
