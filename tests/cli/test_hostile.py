"""What others wrote does nothing to the terminal, wherever it is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cli.conftest import WORKER, Told

Cli = Callable[..., Told]
EVIL = "\x1b]0;owned\x07\x1b[2J\u202e[red]"


def sees_evil(job: dict[str, Any]) -> dict[str, Any]:
    thing = {"class_id": 0, "label": EVIL, "confidence": 0.9, "box": [1.0, 2.0, 30.0, 40.0]}
    frames = job["input"]["source"]["frames"]
    found = [{"index": f["index"], "time_s": f["time_s"], "objects": [thing], "error": None} for f in frames]
    found[0] |= {"objects": None, "error": f"why {EVIL}"}
    return WORKER | {"frames": found}


def harmless(told: Told) -> bool:
    return not set(told.out + told.err) & set("\x1b\x07\u202e")


def test_a_label_and_an_error_of_a_worker(cli: Cli, fleet: Callable[..., Any], video: Path) -> None:
    fleet(yolo=sees_evil)
    told = cli("run", video, "--no-speech", "-v")
    assert told.code == 3
    assert "]0;owned[2J[red]" in told.out
    assert harmless(told)


def test_a_request_that_a_worker_refuses(cli: Cli, fleet: Callable[..., Any], video: Path) -> None:
    fleet(yolo=lambda job: {"error": f"invalid_input: {EVIL}"})
    told = cli("run", video, "--no-speech")
    assert "]0;owned[2J[red]" in told.out + told.err
    assert harmless(told)


def test_the_name_of_a_file(cli: Cli) -> None:
    for command in ("run", "plan", "show"):
        told = cli(command, f"{EVIL}.mp4")
        assert told.code == 2
        assert harmless(told)
