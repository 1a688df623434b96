"""`framefleet emulate` as a person starts it."""

import logging
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
import requests

from framefleet.cli import main
from framefleet.cli.commands.emulate import introduce
from framefleet.install_hints import with_extra

from .bare import Bare


def start(*flags: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    arguments = [sys.executable, "-m", "framefleet", "emulate", "--port", "0", *flags]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = (process.stdout.readline().strip().partition(" ")[2].partition("=") for _ in range(4))
    return process, {name: value for name, _, value in lines}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as ended:
        main(["emulate", *arguments])
    return ended.value.code, capsys.readouterr().err


@pytest.mark.full
@pytest.mark.skipif(os.name == "nt", reason="sends signals")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_says_what_to_set_serves_and_ends_with_an_account(end: signal.Signals) -> None:
    process, environ = start("--seconds", "0", "-v")
    try:
        base, key = environ["RUNPOD_ENDPOINT_BASE_URL"], {"Authorization": f"Bearer {environ['RUNPOD_API_KEY']}"}
        frames = [{"index": n, "time_s": n, "jpeg": "cGljdHVyZQ=="} for n in range(3)]
        for id, request in (
            (environ["FRAMEFLEET_YOLO_ENDPOINT"], {"source": {"frames": frames}}),
            (environ["FRAMEFLEET_WHISPER_ENDPOINT"], {"audio": "cGljdHVyZQ=="}),
        ):
            told = requests.post(f"{base}/{id}/runsync", json={"input": request}, headers=key, timeout=20).json()
            assert told["output"]["model"] == "timed"
    finally:
        process.send_signal(end)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "yolo: jobs: 1 completed; 1 executions of 3 frames or clips; 1 workers" in out
    assert "whisper: jobs: 1 completed; 1 executions of 1 frames or clips" in out
    assert err.count("COMPLETED on worker-0") == 2
    assert "cGljdHVyZQ" not in err
    assert environ["RUNPOD_API_KEY"] not in err


def test_it_says_to_set_only_what_the_client_reads(capsys: pytest.CaptureFixture[str]) -> None:
    introduce("http://127.0.0.1:1", ["yolo", "mine"])
    out = capsys.readouterr().out
    assert "FRAMEFLEET_YOLO_ENDPOINT=yolo" in out and "MINE" not in out


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--faults", "flood=1"], "no fault 'flood'"),
        (["--handler", "yolo"], "give endpoint=handler"),
        (["--handler", "yolo=no_module:x"], "neither objects nor speech"),
        (["--seconds", "-1"], "--seconds"),
    ],
)
def test_what_makes_no_sense_is_refused(flags: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = refused(capsys, "--port", "0", *flags)
    assert code == 2
    assert line in said


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(capsys, "--port", str(port), "--seconds", "0")
    assert code == 2
    assert f"--port {port}" in said


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "framefleet.emulator.serve", raising=False)
    code, said = refused(capsys, "--port", "0")
    assert code == 1
    assert said.strip().endswith(with_extra("emulator"))
    assert said.splitlines()[0] == "error: uvicorn is not installed"
    assert len(said.splitlines()) == 2


@pytest.mark.full
def test_the_command_line_starts_without_the_extra() -> None:
    check = "import sys, framefleet.cli; assert not {'fastapi', 'uvicorn', 'starlette'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_a_line_for_each_job_without_its_content(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "framefleet.emulator")
    endpoint = Bare()
    id = endpoint.add({"source": "PICTURE"})
    endpoint.finish(endpoint.begin(), {"objects": "REPLY"})
    assert [record.getMessage().split()[:2] for record in caplog.records] == [[id, "COMPLETED"]]
    assert "PICTURE" not in caplog.text
    assert "REPLY" not in caplog.text
