"""Workers in processes of their own: two of them, one that dies, and one that cannot start."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from framefleet.emulator.handlers import check_handler
from framefleet.emulator.processes import InProcess
from framefleet.emulator.runners import ProgressKind
from framefleet.errors import SetupError, UsageError

HANDLER = """
import os
import urllib.request

def handler(job):
    if job["input"] == "progress":  # as the package's progress_update does
        to = os.environ["RUNPOD_WEBHOOK_POST_OUTPUT"].replace("$ID", job["id"]) + "&isStream=false"
        for told in (b'{"status": "IN_PROGRESS", "output": "half"}', b"no JSON"):
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(to, data=told).read()
    if job["input"] == "die":
        os._exit(3)
    if job["input"] == "raise":
        raise ValueError("no")
    return {"pid": os.getpid(), "input": job["input"], "id": job["id"]}

def parts(job):
    yield from job["input"]

start = {"handler": parts, "return_aggregate_stream": True, "refresh_worker": True}
"""


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("their_handler.py").write_text(HANDLER, encoding="utf-8")
    Path("broken_handler.py").write_text("raise RuntimeError('no GPU here')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))


def ask(worker: InProcess, input: Any) -> Any:
    outcome = worker.run("job-1", msgspec.json.encode(input))
    assert outcome is not None
    return outcome.error if outcome.output is None else msgspec.json.decode(outcome.output)


@pytest.mark.full
def test_two_workers_are_two_processes_and_one_dies_alone() -> None:
    workers = [InProcess("their_handler:handler") for _ in range(2)]
    for worker in workers:
        worker.load()
    try:
        one, other = (ask(worker, {"n": 1}) for worker in workers)
        assert len({one["pid"], other["pid"], os.getpid()}) == 3
        assert (one["input"], one["id"]) == ({"n": 1}, "job-1")
        assert "ValueError" in ask(workers[0], "raise")
        assert workers[0].run("job-2", b'"die"') is None
        assert ask(workers[1], 5)["pid"] == other["pid"]
    finally:
        for worker in workers:
            worker.stop()
    assert workers[1].run("job-3", b"1") is None, "stopped"


@pytest.mark.full
def test_what_a_handler_tells_of_a_job_on_its_way_is_heard() -> None:
    told: list[tuple[ProgressKind, bytes]] = []
    workers = [InProcess("their_handler:handler"), InProcess("their_handler:start")]
    try:
        for worker in workers:
            worker.load()
        outcome = workers[0].run("job-1", b'"progress"', lambda part, content: told.append((part, content)))
        assert (told, outcome and outcome.error) == ([(ProgressKind.PROGRESS, b'"half"')], None)
        told.clear()
        outcome = workers[1].run("job-2", b'[1,"b"]', lambda part, content: told.append((part, content)))
        assert told == [(ProgressKind.STREAMED, b"1"), (ProgressKind.STREAMED, b'"b"')]
        assert (outcome and outcome.output, outcome and outcome.refresh) == (b'[1,"b"]', True)
    finally:
        for worker in workers:
            worker.stop()


@pytest.mark.full
def test_a_handler_that_cannot_be_loaded_says_why() -> None:
    with pytest.raises(SetupError, match="broken_handler:handler: RuntimeError: no GPU here"):
        InProcess("broken_handler:handler").load()


@pytest.mark.parametrize("name", ["nothing", "their_handler", "their_handler:", "no_module:x", ":x", "a.b:c", ""])
def test_what_is_no_handler_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--handler"):
        check_handler(name)


@pytest.mark.parametrize("name", ["objects", "speech", "their_handler:handler", "their_handler:start"])
def test_handlers_by_name(name: str) -> None:
    check_handler(name)
