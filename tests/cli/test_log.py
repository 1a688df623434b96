"""`--log FILE` and `FRAMEFLEET_LOG`: where the log goes, and that nothing is begun where it cannot be written."""

import io
import logging
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tqdm import tqdm

from framefleet.cli import main
from framefleet.cli.log import close_log, open_log
from framefleet.logs import logger
from tests.cli.conftest import Told

Cli = Callable[..., Told]
LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (DEBUG|INFO|WARNING|ERROR) \S+ framefleet\.[\w.]+: .+")

log = logger("framefleet.tests")


@pytest.fixture(autouse=True)
def ended() -> Any:
    yield
    close_log()


@pytest.mark.parametrize("command", ["run", "plan", "doctor", "deploy", "down", "bill", "report", "render", "export"])
def test_every_command_can_write_one(command: str, cli: Cli) -> None:
    assert "--log" in cli(command, "--help").out


def test_the_file_has_what_ended_the_command_with_its_traceback(cli: Cli, tmp_path: Path) -> None:
    told = cli("plan", "none.mp4", "--log", "run.log")
    assert (told.code, told.line) == (2, "error: none.mp4: no such file; check the name and the folder")
    first, ends, *trace = (tmp_path / "run.log").read_text().splitlines()
    assert LINE.fullmatch(first) and ": framefleet " in first and " plan, Python " in first
    assert LINE.fullmatch(ends) and "ended by InputError" in ends
    assert trace[0].startswith("Traceback") and trace[-1].startswith("InputError (")
    assert any("in _head_of" in line for line in trace)


@pytest.mark.skipif(os.name == "nt", reason="has no such permissions")
def test_only_its_owner_may_read_it_and_it_is_written_on(cli: Cli, tmp_path: Path) -> None:
    cli("plan", "none.mp4", "--log", "run.log")
    once = (tmp_path / "run.log").read_text()
    cli("plan", "none.mp4", "--log", "run.log")
    assert (tmp_path / "run.log").read_text().startswith(once)
    assert (tmp_path / "run.log").read_text().count(" plan, Python ") == 2
    assert stat.S_IMODE((tmp_path / "run.log").stat().st_mode) == 0o600


def test_a_file_that_is_no_log_is_left_as_it_is(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"\0\0\0\x18ftypmp42 and more")
    told = cli("run", "--log", "clip.mp4")
    assert (told.code, told.line) == (2, "error: --log clip.mp4: exists and is not a log; give another file")
    assert (tmp_path / "clip.mp4").read_bytes() == b"\0\0\0\x18ftypmp42 and more"


@pytest.mark.parametrize("place", ["none/run.log", "."])
def test_nothing_is_begun_where_it_cannot_be_written(
    place: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framefleet.session.prepare", lambda *_, **__: pytest.fail("began"))
    (tmp_path / "clip.mp4").touch()
    told = cli("run", "clip.mp4", "--log", place)
    assert told.code == 2
    assert re.fullmatch(rf"error: --log {re.escape(place)}: cannot be written \(.+\); give another file", told.line)


def test_a_disk_that_is_full_is_told_once_and_ends_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    open_log(str(tmp_path / "run.log"), "run")
    (handler,) = (h for h in logging.getLogger("framefleet").handlers if type(h) is not logging.NullHandler)
    handler._file.close()  # type: ignore[attr-defined]
    handler._file = Full()  # type: ignore[attr-defined]
    for _ in range(3):
        log.info("more")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("run.log: cannot be written (No space left on device); logging stops")


def test_a_level_that_there_is_not(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_LOG", "loud")
    told = cli("plan", "none.mp4")
    assert (told.code, told.line) == (
        2,
        "error: FRAMEFLEET_LOG loud: not a level; give debug or info; --log FILE sets the file",
    )


@pytest.mark.parametrize(("level", "shown"), [("info", "info"), ("debug", "debug info"), ("", "debug info")])
def test_the_level_is_that_of_the_environment_and_of_a_file_everything(
    level: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAMEFLEET_LOG", level)
    open_log(str(tmp_path / "run.log"), "run")
    log.debug("said: debug")
    log.info("said: info")
    assert re.findall(r"said: (\w+)", (tmp_path / "run.log").read_text()) == shown.split()


def test_without_either_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    open_log(None, "run")
    log.warning("nobody hears it")
    assert not log.isEnabledFor(logging.DEBUG)
    assert capsys.readouterr() == ("", "")


def test_on_a_terminal_it_stands_above_the_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `tqdm` writes: the bar is taken off, the line written, and the bar drawn anew."""
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("FRAMEFLEET_LOG", "info")
    with tqdm(total=4, file=screen, desc="objects") as bar:
        open_log(None, "run")
        bar.update(2)
        log.info("a retry")
    before, line, after = screen.getvalue().rpartition("a retry\n")
    assert line and before.rpartition("\r")[2].lstrip().startswith("20")  # from the line's beginning, cleared before
    assert "objects:  50%" in after


def test_a_fault_tells_how_to_see_where(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("it broke")

    monkeypatch.setattr("framefleet.session.prepare", broken)
    said = "error: a fault of this program: ValueError: it broke"
    assert cli("plan", "clip.mp4").line == f"{said}; rerun with --log FILE for a traceback"
    assert cli("plan", "clip.mp4", "--log", "run.log").line == f"{said}; see the traceback in run.log"
    written = (tmp_path / "run.log").read_text()
    assert "in broken" in written and "ValueError" in written and "it broke" not in written.replace('("it broke")', "")


def test_all_of_it_is_still_raised_where_that_is_wished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAMEFLEET_DEBUG", "1")
    monkeypatch.setattr("framefleet.session.prepare", lambda *_, **__: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        main(["plan", "clip.mp4", "--log", "run.log"])
    assert "ended by ZeroDivisionError" in (tmp_path / "run.log").read_text()
    assert [type(h) for h in logging.getLogger("framefleet").handlers] == [logging.NullHandler]
