"""RunPod's own clients find the service they know: one list of expectations, for each client and for plain HTTP.

`scripts/runpod_clients` sets the clients up; those that are not there are skipped.
"""

import asyncio
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from framefleet.emulator.app import EmulatedEndpoint, make_endpoint
from framefleet.emulator.progress import Progress
from framefleet.emulator.runners import ProgressKind
from framefleet.emulator.serve import Service

KEY = "a-key"
ID = re.compile(r"(sync-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-e1")
HERE = Path(__file__).parent / "clients"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "framefleet"


# What the service runs, and what is expected of it.


def echo(job: dict[str, Any]) -> dict[str, Any]:
    return {"echo": job["input"]}


async def echo_later(job: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(0)
    return {"echo": job["input"]}


def count(job: dict[str, Any]) -> Iterator[dict[str, int]]:
    yield from ({"n": n} for n in range(job["input"]["to"]))


async def count_later(job: dict[str, Any]) -> AsyncIterator[str]:
    for n in range(job["input"]["to"]):
        await asyncio.sleep(0)
        yield f"part {n}"


def refuse(job: dict[str, Any]) -> dict[str, Any]:
    return {"error": job["input"]["error"], "left": 1}


class Held:
    """Waits until it is told to go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    def __call__(self, job: dict[str, Any]) -> str:
        self.begun.set()
        assert self.go.wait(30)
        return "let go"


class Served:
    """`ask(endpoint, operation, …)` has a client do it; gives what the client gave."""

    def __init__(self, service: Service, client: "Http | Process") -> None:
        self.service = service
        self.ask = client.ask

    def endpoint(self, name: str) -> EmulatedEndpoint:
        return self.service.endpoints[name]


# The clients.


class Http:
    """None at all: the requests of the examples in RunPod's reference, whose key is sent as it is."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base_url, self._session = base_url, requests.Session()
        self._session.headers["authorization"] = key

    def ask(self, endpoint: str, operation: str, *args: Any) -> Any:
        method, route, field = {
            "health": ("GET", "health", None),
            "run": ("POST", "run", "id"),
            "run_sync": ("POST", "runsync", "output"),
            "state": ("GET", "status/{}", "status"),
            "output": ("GET", "status-sync/{}?wait=30000", "output"),
            "stream": ("GET", "stream/{}", "stream"),
            "cancel": ("POST", "cancel/{}", None),
            "purge": ("POST", "purge-queue", None),
        }[operation]
        body = {"input": args[0]} if operation in {"run", "run_sync"} else None
        if operation != "stream":
            told = self._send(method, f"{endpoint}/{route.format(*args)}", body)
            return told.get(field) if field else told
        parts, over = [], False
        while not over:
            told = self._send(method, f"{endpoint}/{route.format(*args)}", body)
            parts += [part["output"] for part in told["stream"]]
            over = told["status"] not in {"IN_QUEUE", "IN_PROGRESS"}
        return parts

    def _send(self, method: str, route: str, body: Any) -> Any:
        response = self._session.request(method, f"{self._base_url}/{route}", json=body, timeout=60)
        response.raise_for_status()
        return response.json()

    def close(self) -> None:
        self._session.close()


class Process:
    """A client in a process of its own, that takes and gives JSON lines."""

    def __init__(self, command: list[str], base_url: str, key: str) -> None:
        environ = {**os.environ, "RUNPOD_API_KEY": key, "RUNPOD_ENDPOINT_BASE_URL": base_url}
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="utf-8", env=environ)

    def ask(self, endpoint: str, operation: str, *args: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([endpoint, operation, *args]) + "\n")
        self._process.stdin.flush()
        told = json.loads(self._process.stdout.readline())
        if "raised" in told:
            raise RuntimeError(told["raised"])
        return told["gave"]

    def close(self) -> None:
        self._process.communicate()


def their_python() -> str | None:
    """A Python that has RunPod's package."""
    if importlib.util.find_spec("runpod") is not None:
        return sys.executable
    return next((str(path) for path in sorted(CACHE.glob("runpod-client-*/bin/python"))), None)


def client_of(name: str, base_url: str, key: str) -> Http | Process:
    if name == "http":
        return Http(base_url, key)
    if name == "javascript":
        sdk = next(iter(sorted(CACHE.glob("runpod-sdk-*/node_modules/runpod-sdk"))), None)
        node = shutil.which("node")
        if sdk is None or node is None:
            pytest.skip("RunPod's JavaScript client is not there: scripts/runpod_clients")
        return Process([node, str(HERE / "javascript_client.mjs"), str(sdk)], base_url, key)
    python = their_python()
    if python is None:
        pytest.skip("RunPod's Python client is not there: scripts/runpod_clients")
    return Process([python, str(HERE / "python_client.py"), name], base_url, key)


CLIENTS = ["http", *(pytest.param(name, marks=pytest.mark.full) for name in ("plain", "asyncio", "javascript"))]


@pytest.fixture(scope="module", params=CLIENTS)
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    endpoints = {
        "echo": make_endpoint(echo),
        "echo-later": make_endpoint(echo_later),
        "count": make_endpoint(count),
        "count-later": make_endpoint({"handler": count_later, "return_aggregate_stream": True}),
        "refuse": make_endpoint(refuse),
        "refresh": make_endpoint(lambda job: {"refresh_worker": True, "echo": job["input"]}, 1, min_workers=0),
    }
    with Service(endpoints, KEY) as service:
        client = client_of(request.param, service.base_url, KEY)
        try:
            yield Served(service, client)
        finally:
            client.close()


@pytest.mark.parametrize("endpoint", ["echo", "echo-later"])
def test_a_job_is_run_and_its_output_fetched(served: Served, endpoint: str) -> None:
    id = served.ask(endpoint, "run", {"a": "é"})
    assert ID.fullmatch(id) and not id.startswith("sync-")
    assert served.ask(endpoint, "output", id) == {"echo": {"a": "é"}}
    assert served.ask(endpoint, "state", id) == "COMPLETED"


def test_a_job_is_run_and_waited_for(served: Served) -> None:
    assert served.ask("echo", "run_sync", {"a": 1}) == {"echo": {"a": 1}}


def test_what_a_generator_gives_is_streamed(served: Served) -> None:
    id = served.ask("count", "run", {"to": 3})
    assert served.ask("count", "stream", id) == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert served.ask("count", "output", id) == [], "only where it is wished"


def test_what_a_generator_gives_is_its_output_where_that_is_wished(served: Served) -> None:
    assert served.ask("count-later", "run_sync", {"to": 2}) == ["part 0", "part 1"]


@pytest.mark.parametrize("error", ["no", {"code": 7}])
def test_an_error_fails_the_job(served: Served, error: Any) -> None:
    id = served.ask("refuse", "run", {"error": error})
    served.ask("refuse", "output", id)
    assert served.ask("refuse", "state", id) == "FAILED"
    assert (served.endpoint("refuse").status(id) or {})["error"] == error


@pytest.mark.parametrize("error", ["", None, {}])
def test_an_error_that_says_nothing_is_none(served: Served, error: Any) -> None:
    id = served.ask("refuse", "run", {"error": error})
    assert served.ask("refuse", "output", id) == {"left": 1}


def test_a_worker_is_refreshed_after_its_job(served: Served) -> None:
    before = len(served.endpoint("refresh").bill.shifts)
    assert [served.ask("refresh", "run_sync", {"n": n}) for n in range(2)] == [{"echo": {"n": 0}}, {"echo": {"n": 1}}]
    assert len(served.endpoint("refresh").bill.shifts) == before + 2


def test_jobs_are_cancelled_and_a_queue_is_purged(served: Served) -> None:
    held = Held()
    endpoint = make_endpoint(held, 1)
    served.service.endpoints["held"] = endpoint  # type: ignore[index]
    try:
        at_work, cancelled, purged = (served.ask("held", "run", {"n": n}) for n in range(3))
        assert held.begun.wait(30)
        assert served.ask("held", "state", at_work) == "IN_PROGRESS"
        assert served.ask("held", "cancel", cancelled) == {"id": cancelled, "status": "CANCELLED"}
        assert served.ask("held", "health")["jobs"]["inQueue"] == 1
        assert served.ask("held", "purge") == {"removed": 1, "status": "completed"}
        assert served.ask("held", "state", purged) == "CANCELLED"
        held.go.set()
        assert served.ask("held", "output", at_work) == "let go"
    finally:
        held.go.set()
        endpoint.close()


def test_health_tells_jobs_and_workers(served: Served) -> None:
    told = served.ask("echo", "health")
    assert set(told["jobs"]) == {"completed", "failed", "inProgress", "inQueue", "retried"}
    assert set(told["workers"]) == {"idle", "initializing", "ready", "running", "throttled", "unhealthy"}


@pytest.mark.full
@pytest.mark.parametrize("name", ["plain", "javascript"])
def test_a_wrong_key_is_refused(name: str) -> None:
    with Service({"echo": make_endpoint(echo)}, KEY) as service:
        client = client_of(name, service.base_url, "other")
        try:
            with pytest.raises(RuntimeError, match="401"):
                client.ask("echo", "health")
        finally:
            client.close()


@pytest.mark.full
def test_their_package_says_how_far_a_job_is(monkeypatch: pytest.MonkeyPatch) -> None:
    python = their_python()
    if python is None:
        pytest.skip("RunPod's Python client is not there: scripts/runpod_clients")
    monkeypatch.setenv("RUNPOD_WEBHOOK_POST_OUTPUT", "")  # so that it is as it was when the test is over
    heard: list[tuple[ProgressKind, bytes]] = []
    code = (
        "import os, runpod, threading\n"
        "for id in ('other', 'a-job'): runpod.serverless.progress_update({'id': id}, {'of': id})\n"
        "for thread in threading.enumerate(): '_thread_target' in thread.name and thread.join()\n"
        "os._exit(0)  # whatever threads its libraries have\n"
    )
    with Progress().of("a-job", lambda part, content: heard.append((part, content))):
        subprocess.run([python, "-c", code], check=True, timeout=120, env=os.environ)
    assert [(part, json.loads(content)) for part, content in heard] == [(ProgressKind.PROGRESS, {"of": "a-job"})]
