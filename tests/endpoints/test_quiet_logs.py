"""What a worker writes into RunPod's logs: nothing of what a video shows and says, by the package `runpod` itself."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from framefleet.fleet.deploy.endpoint import QUIET

ROOT = Path(__file__).parents[2]
ENDPOINTS = ("yolo", "whisper", "ast", "ocr")
SAID = "grandmother's maiden name"

# A worker whose handler answers as ours do, and one job of which fails for a reason that quotes what was said.
WORKER = """
import runpod
from framefleet.errors import WorkerError
from framefleet.worker.serving import ServedHandler
from framefleet.protocol.envelope import ProbeReply
from framefleet.protocol.whisper import WhisperRequest

def answer(request):
    raise ValueError(request.language)

def handler(job):
    if job["id"] == "two":
        return ServedHandler(WhisperRequest, None, answer, lambda error: WorkerError("failed", str(error)))(job)
    said = job["input"]["text"]
    return {"segments": [{"text": said, "words": [{"word": said}]}]}

runpod.serverless.start({"handler": handler})
"""
WHISPER = json.loads((ROOT / "endpoints" / "whisper" / "test_input.json").read_text(encoding="utf-8"))["input"] | {
    "language": SAID  # what the handler's fault quotes
}


def settings(endpoint: str) -> dict[str, str]:
    """What the image sets in its environment."""
    text = (ROOT / "endpoints" / endpoint / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.removeprefix("ENV ") for line in text.splitlines() if line.startswith("ENV ")]
    return dict(pair for line in lines for pair in re.findall(r"(\w+)=(\S+)", line))


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_image_is_as_quiet_as_what_deploy_sets(endpoint: str) -> None:
    assert settings(endpoint)["RUNPOD_LOG_LEVEL"] == QUIET["RUNPOD_LOG_LEVEL"] == "INFO"


@contextmanager
def queue(jobs: list[dict[str, Any]]) -> Iterator[tuple[str, list[bytes], threading.Event]]:
    """What a worker takes jobs from and brings results to: its address, the results, and when all are there."""
    left, results, done = list(jobs), list[bytes](), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/job-take/" in self.path and left:
                return self._send(200, json.dumps(left.pop(0)).encode())
            done.wait(20)  # as the service, which holds such a question for a while
            return self._send(204, b"")

        def do_POST(self) -> None:
            results.append(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(200, b"{}")
            if len(results) == len(jobs):
                done.set()

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", results, done
    finally:
        done.set()
        server.shutdown()
        server.server_close()


def logged(environ: dict[str, str], folder: Path) -> str:
    """All that a worker of the package prints over two jobs, one of which fails."""
    script = folder / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    jobs = [{"id": "one", "input": {"text": SAID}}, {"id": "two", "input": WHISPER}]
    with queue(jobs) as (url, results, done):
        runpods = {
            "RUNPOD_WEBHOOK_GET_JOB": f"{url}/v2/ep/job-take/$ID?gpu=L4",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{url}/v2/ep/job-done/w/$ID?gpu=L4",
            "RUNPOD_ENDPOINT_ID": "ep",
            "RUNPOD_POD_ID": "w",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",  # this machine is no worker's
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }
        with open(folder / "log", "wb") as log:  # noqa: PTH123 - a file that a process writes into
            process = subprocess.Popen(
                [sys.executable, str(script)],
                env={**os.environ, **runpods, **environ, "PYTHONPATH": str(ROOT / "src")},
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
            )
            try:
                assert done.wait(60), (folder / "log").read_text()
            finally:
                process.kill()
                process.wait()
    assert SAID in b"".join(results).decode()
    return (folder / "log").read_text(encoding="utf-8")


@pytest.mark.full
@pytest.mark.gpu_engines  # whose environment has the package
def test_what_is_said_in_a_video_is_in_nobodys_log(tmp_path: Path) -> None:
    pytest.importorskip("runpod", reason="runs on workers, and comes with the images' requirements")
    loud, quiet = tmp_path / "loud", tmp_path / "quiet"
    loud.mkdir()
    quiet.mkdir()
    assert SAID in logged({}, loud)  # the package's default is to log all
    told = logged({"RUNPOD_LOG_LEVEL": settings("whisper")["RUNPOD_LOG_LEVEL"]}, quiet)
    assert SAID not in told and json.dumps(SAID)[1:-1] not in told
    assert "Started." in told and "one" in told  # what a person looks for there is still there
