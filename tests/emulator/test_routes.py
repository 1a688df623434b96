"""The service over HTTP: routes, bodies, waiting, who is let in, and outages."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import requests

from framefleet.emulator.app import make_endpoint
from framefleet.emulator.clock import ScaledClock
from framefleet.emulator.rates import Rate
from framefleet.emulator.serve import Service

KEY = "a-key"
MIB = 2**20


class Client:
    def __init__(self, service: Service) -> None:
        self.service = service
        self.endpoint = service.endpoints["yolo"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {KEY}"

    def ask(self, method: str, route: str, **more: Any) -> requests.Response:
        return self.session.request(method, f"{self.service.base_url}/yolo/{route}", timeout=20, **more)

    def run(self, input: Any = 1) -> str:
        return str(self.ask("POST", "run", json={"input": input}).json()["id"])

    def until(self, id: str, state: str) -> dict[str, Any]:
        while (told := self.ask("GET", f"status/{id}").json())["status"] != state:
            assert told["status"] in {"IN_QUEUE", "IN_PROGRESS"}, told
            time.sleep(0.01)  # the service allows 200 looks a second
        return dict(told)


class Held:
    """A handler that waits until it is told to go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()

    def __call__(self, job: dict[str, Any]) -> dict[str, Any]:
        self.begun.set()
        assert self.go.wait(30)
        return {"echo": job["input"]}


@pytest.fixture
def serve() -> Iterator[Callable[..., Client]]:
    with ExitStack() as stack:

        def start(handler: Any = lambda job: {"echo": job["input"]}, workers: int = 1, **settings: Any) -> Client:
            service = Service({"yolo": make_endpoint(handler, workers, **settings)}, KEY)
            return Client(stack.enter_context(service))

        yield start


def test_a_job_over_http(serve: Callable[..., Client]) -> None:
    client = serve()
    told = client.until(client.run({"a": "é"}), "COMPLETED")
    assert told["output"] == {"echo": {"a": "é"}}
    assert {"id", "delayTime", "executionTime", "workerId"} <= set(told)


def test_the_other_routes(serve: Callable[..., Client]) -> None:
    held = Held()
    client = serve(held)
    first, second, third = client.run(), client.run(), client.run()
    assert held.begun.wait(30)
    assert client.ask("POST", f"cancel/{second}").json() == {"id": second, "status": "CANCELLED"}
    assert client.ask("GET", "health").json() == {
        "jobs": {"completed": 0, "failed": 0, "inProgress": 1, "inQueue": 1, "retried": 0},
        "workers": {"idle": 0, "initializing": 0, "ready": 1, "running": 1, "throttled": 0, "unhealthy": 0},
    }
    assert client.ask("POST", "purge-queue").json() == {"removed": 1, "status": "completed"}
    assert client.ask("GET", f"stream/{third}").json() == {"status": "CANCELLED", "stream": []}
    assert client.ask("POST", f"retry/{third}").status_code == 400
    held.go.set()
    client.until(first, "COMPLETED")


def test_an_exception_fails_the_job_with_the_text_the_service_would_send(serve: Callable[..., Client]) -> None:
    def broken(job: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("no such thing")

    client = serve(broken)
    error = client.until(client.run(), "FAILED")["error"]
    assert requests.models.complexjson.loads(error) == {
        "error_type": "<class 'ValueError'>",
        "error_message": "no such thing",
        "error_traceback": "",
    }


@pytest.mark.full
@pytest.mark.parametrize(("route", "limit"), [("run", 10 * MIB), ("runsync", 20 * MIB)])
def test_bodies_up_to_the_limit_are_taken(serve: Callable[..., Client], route: str, limit: int) -> None:
    client = serve(lambda job: {"length": len(job["input"])})
    frame = len(b'{"input":""}')
    fits, too_large = (b'{"input":"%s"}' % (b"x" * (limit - frame + over)) for over in (0, 1))
    assert client.ask("POST", route, data=fits).status_code == 200
    answer = client.ask("POST", route, data=too_large)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": f"exceeded max body size of {limit // MIB}MiB"},
    )
    assert client.ask("POST", route, data=b"x" * (limit + 15 * MIB)).status_code == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"no":1}', b"\xff", b'{"input":1,"policy":{"ttl":"x"}}'])
def test_a_body_that_is_no_request_is_refused(serve: Callable[..., Client], body: bytes) -> None:
    assert serve().ask("POST", "run", data=body).status_code == 400


def test_the_policy_is_kept(serve: Callable[..., Client]) -> None:
    held = Held()
    client = serve(held, clock=ScaledClock(1000))
    body = {"input": 1, "policy": {"executionTimeout": 2_000, "ttl": 3_600_000}}
    id = client.ask("POST", "run", json=body).json()["id"]
    assert client.until(id, "TIMED_OUT")["executionTime"] == 2_000
    held.go.set()


def test_runsync_answers_with_the_result(serve: Callable[..., Client]) -> None:
    told = serve().ask("POST", "runsync", json={"input": 5}).json()
    assert told["id"].startswith("sync-") and told["id"].endswith("-e1")
    assert (told["status"], told["output"]) == ("COMPLETED", {"echo": 5})


def test_runsync_answers_with_the_id_when_the_wait_is_over_and_the_job_goes_on(serve: Callable[..., Client]) -> None:
    held = Held()
    client = serve(held, clock=ScaledClock(10))  # the result is kept for 6 s of real time
    told = client.ask("POST", "runsync?wait=1000", json={"input": 5}).json()
    assert told["status"] in {"IN_QUEUE", "IN_PROGRESS"}
    held.go.set()
    assert client.until(told["id"], "COMPLETED")["output"] == {"echo": 5}


def test_a_status_may_be_waited_for(serve: Callable[..., Client]) -> None:
    held = Held()
    client = serve(held, clock=ScaledClock(10))
    id = client.run(5)
    assert client.ask("GET", f"status-sync/{id}?wait=1000").json()["status"] in {"IN_QUEUE", "IN_PROGRESS"}
    held.go.set()
    told = client.ask("GET", f"status-sync/{id}").json()
    assert (told["id"], told["status"], told["output"]) == (id, "COMPLETED", {"echo": 5})
    assert client.ask("GET", "status-sync/unknown").status_code == 404


@pytest.mark.parametrize("authorization", [f"Bearer {KEY}", f"bearer {KEY}", KEY])
def test_the_key_is_taken_with_bearer_and_without(serve: Callable[..., Client], authorization: str) -> None:
    assert serve().ask("GET", "health", headers={"Authorization": authorization}).status_code == 200


@pytest.mark.parametrize("authorization", ["", "Bearer other", "other", "Bearer", f"Basic {KEY}", f"{KEY} {KEY}"])
def test_without_the_key_nobody_is_let_in(serve: Callable[..., Client], authorization: str) -> None:
    client, headers = serve(), {"Authorization": authorization}
    assert client.ask("POST", "run", json={"input": 1}, headers=headers).status_code == 401
    assert client.ask("GET", "health").json()["jobs"]["completed"] == 0


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("GET", "run"),
        ("POST", "nothing"),
        ("GET", "status"),
        ("POST", "run/x"),
        ("GET", "status/x"),
        ("POST", "retry/x"),
    ],
)
def test_what_is_not_there_is_404(serve: Callable[..., Client], method: str, route: str) -> None:
    assert serve().ask(method, route).status_code == 404


def test_above_the_rate_is_429(serve: Callable[..., Client]) -> None:
    client = serve(rates={"run": Rate(2, 10, 3600)})
    answers = [client.ask("POST", "run", json={"input": n}).status_code for n in range(4)]
    assert answers == [200, 200, 429, 429]


def test_the_service_can_go_away_and_come_back_with_its_jobs(serve: Callable[..., Client]) -> None:
    client = serve()
    id = client.run(7)
    url = client.service.base_url
    client.service.stop()
    with pytest.raises(requests.ConnectionError):
        client.ask("GET", "health")
    client.service.start()
    assert client.service.base_url == url
    assert client.until(id, "COMPLETED")["output"] == {"echo": 7}


def test_going_away_cuts_who_is_waiting(serve: Callable[..., Client], capfd: pytest.CaptureFixture[str]) -> None:
    held = Held()
    client = serve(held)
    cut = threading.Event()

    def wait() -> None:
        with pytest.raises(requests.ConnectionError):
            client.ask("POST", "runsync", json={"input": 1})
        cut.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert held.begun.wait(30)
    client.service.stop()
    assert cut.wait(30)
    waiting.join()
    held.go.set()
    assert "Traceback" not in capfd.readouterr().err


def test_an_outage_behind_a_proxy_is_503(serve: Callable[..., Client]) -> None:
    client = serve()
    client.service.door.unavailable = True
    assert client.ask("POST", "run", json={"input": 1}).status_code == 503
    client.service.door.unavailable = False
    client.until(client.run(), "COMPLETED")


def test_it_listens_on_this_machine_alone(serve: Callable[..., Client]) -> None:
    assert serve().service.base_url.startswith("http://127.0.0.1:")
