"""Why nothing starts, told from the list of workers, and the last line of a log as something safe to print."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config.endpoints import Fleet, Secret
from framefleet.fleet.backends.runpod import management_api
from framefleet.fleet.backends.runpod.diagnosis import (
    Diagnoser,
    WorkerState,
    diagnosis,
    state_of,
)
from framefleet.fleet.backends.runpod.management_api import (
    Endpoint,
    ManageApi,
    Worker,
    hide_secrets,
)
from tests.fleet.manage_service import Service, managing, worker

KEY = "rpa_TESTKEY0123456789"
PLACED = {"gpuTypeId": "NVIDIA L4", "dataCenterId": "US-KS-2"}
STARTED = {**PLACED, "startedAt": "2026-06-01T12:05:00Z", "uptimeSeconds": 20}
ENDPOINT: dict[str, Any] = {
    "id": "abc",
    "name": "framefleet-yolo",
    "env": {},
    "gpu": {"pools": ["AMPERE_16", "ADA_24"], "count": 1, "allowedCudaVersions": [], "minCudaVersion": None},
    "workers": {"min": 0, "max": 3, "idleTimeout": 5},
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
}


def of(id: str, status: str, **more: Any) -> Worker:
    return msgspec.convert(worker(id, status, **more), Worker)


def endpoint(most: int = 3) -> Endpoint:
    return msgspec.convert(ENDPOINT | {"workers": {"min": 0, "max": most}}, Endpoint)


@pytest.mark.parametrize(
    ("one", "earlier", "state"),
    [
        (of("w", "UNHEALTHY", **STARTED), {}, WorkerState.CRASHES),
        (of("w", "INITIALIZING", **STARTED), {"w": "2026-06-01T12:04:00Z"}, WorkerState.CRASHES),
        (of("w", "RUNNING", **STARTED), {"w": "2026-06-01T12:05:00Z"}, WorkerState.READY),
        (of("w", "INITIALIZING", **STARTED), {"other": "2026-06-01T12:04:00Z"}, WorkerState.LOADS),
        (of("w", "INITIALIZING", **PLACED), {}, WorkerState.PULLS),
        (of("w", "INITIALIZING"), {}, WorkerState.NO_ROOM),
        (of("w", "THROTTLED"), {}, WorkerState.NO_ROOM),
        (of("w", "IDLE", **STARTED), {}, WorkerState.READY),
    ],
)
def test_what_keeps_a_worker(one: Worker, earlier: dict[str, str | None], state: WorkerState) -> None:
    assert state_of(one, earlier) is state


@pytest.mark.parametrize(
    ("workers", "most", "told"),
    [
        ([], 3, "RunPod has started no worker yet: none is free in AMPERE_16, ADA_24"),
        ([], 0, "its max workers are 0"),
        ([of("a", "THROTTLED"), of("b", "THROTTLED")], 3, "2 workers waiting for a free GPU in AMPERE_16, ADA_24"),
        ([of("a", "INITIALIZING", **PLACED)], 3, "1 worker fetching the image; the first time takes minutes"),
        ([of("a", "INITIALIZING", **STARTED)], 3, "1 worker started, loading the model"),
        ([of("a", "UNHEALTHY", **STARTED), of("b", "THROTTLED")], 3, "1 worker in a crash loop (1 worker waiting"),
        ([of("a", "IDLE", isStale=True, **STARTED)], 3, "a new release of the endpoint is rolling out"),
    ],
)
def test_why_nothing_starts(workers: list[Worker], most: int, told: str) -> None:
    found = diagnosis(workers, endpoint(most))
    assert found is not None and found.sentence.startswith(told)


def test_where_a_worker_is_ready_that_is_not_why() -> None:
    assert diagnosis([of("a", "IDLE", **STARTED), of("b", "UNHEALTHY")], endpoint()) is None
    assert diagnosis([of("a", "RUNNING", **STARTED)]) is None


some_workers = st.lists(
    st.builds(
        of,
        st.sampled_from("abc"),
        st.sampled_from(["RUNNING", "IDLE", "INITIALIZING", "THROTTLED", "UNHEALTHY", "NEW_ONE", ""]),
        startedAt=st.none() | st.sampled_from(["1", "2"]),
        gpuTypeId=st.none() | st.just("NVIDIA L4"),
        isStale=st.booleans(),
    ),
    max_size=5,
)


@given(some_workers, st.none() | st.builds(endpoint, st.integers(0, 3)))
def test_any_list_is_told_in_one_line_or_not_at_all(workers: list[Worker], known: Endpoint | None) -> None:
    found = diagnosis(workers, known, {"a": "1"})
    assert found is None or ("\n" not in found.sentence and found.sentence)
    assert found is not None or any(not one.isStale for one in workers)


@pytest.fixture
def service() -> Iterator[Service]:
    with managing(KEY) as running:
        running.endpoints["abc"] = dict(ENDPOINT)
        yield running


def manage(service: Service) -> ManageApi:
    return ManageApi(Fleet(api_key=Secret(KEY), manage_url=service.url))


def diagnoser(service: Service) -> Diagnoser:
    return Diagnoser(Fleet(endpoints={"yolo": "abc"}, api_key=Secret(KEY), manage_url=service.url), "yolo")


def test_a_crash_loop_is_seen_by_starts_that_move_on_and_its_last_words_are_quoted(service: Service) -> None:
    look = diagnoser(service)
    service.workers["abc"] = [worker("w1", "INITIALIZING", **STARTED)]
    service.logs["w1"] = ["loading", "  ImportError: no module named torch "]
    first = look()
    assert first is not None and first.startswith("1 worker started, loading the model")
    service.workers["abc"][0]["startedAt"] = "2026-06-01T12:05:30Z"
    second = look()
    assert second is not None and second.startswith("1 worker in a crash loop; each start is billed")
    assert second.endswith('the last line of worker w1\'s log: "ImportError: no module named torch"')


def test_an_image_that_cannot_be_had_is_told_from_one_that_is_on_its_way(service: Service) -> None:
    service.workers["abc"] = [worker("w1", "INITIALIZING", **PLACED)]
    service.logs["w1"] = ["3f2c1ab9: Downloading [==>   ] 4.8MB/231MB"]
    look = diagnoser(service)
    told = look()
    assert told is not None and told.startswith("1 worker fetching the image") and "Downloading" in told
    service.logs["w1"] = ["failed to pull image: manifest unknown"]
    told = look()
    assert told is not None and told.startswith("the image cannot be fetched: check its name")


def test_no_room_has_no_log_to_quote(service: Service) -> None:
    service.workers["abc"] = [worker("w1", "THROTTLED")]
    told = diagnoser(service)()
    assert told is not None and "deploy --gpu-pools" in told and "log" not in told
    assert not any("logs" in path for _, path, _ in service.asked)


def test_a_log_without_an_end_is_left_and_neither_key_nor_terminal_codes_come_of_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(management_api, "LOG_S", 0.2)
    service.endless = True
    said = f"\x1b[31mBearer abcdef {KEY} HF_TOKEN=hf_abcdefgh0123 \u202eevil"
    service.logs["w1"] = [said + "x" * 999]
    assert manage(service).last_log_line("abc", "w2") is None
    line = manage(service).last_log_line("abc", "w1")
    assert line is not None and "evilx" in line and len(line) <= 300
    for secret in (KEY, "abcdef", "hf_abcdefgh0123", "\x1b", "\u202e"):
        assert secret not in line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("RUNPOD_API_KEY=abc123 done", "… done"),
        ("pulling https://me:pass@host/x", "pulling https://…@host/x"),
        ("api_key: 'xyz'", "…"),
        ("Authorization: Bearer abc.def", "Authorization: …"),
        ("ValueError: monkeys at keyboards", "ValueError: monkeys at keyboards"),
    ],
)
def test_what_looks_like_a_key_is_left_out(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


def test_a_key_that_may_not_look_is_asked_once_and_a_hiccup_again(service: Service) -> None:
    look = diagnoser(service)
    service.workers["abc"] = [worker("w1", "THROTTLED")]
    service.fail = (503, b"", {})
    assert look() is None
    service.fail = None
    assert look() is not None
    service.forbidden = ("/v2/serverless",)
    before = len(service.asked)
    assert look() is None and look() is None
    assert len(service.asked) == before + 1
