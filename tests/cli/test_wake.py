"""Endpoints that fell asleep: named at once by `run`, `plan` and `doctor`, and woken after asking."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from framefleet.fleet.billing.budget import Budget
from tests.cli.conftest import Told
from tests.conftest import API_KEY, full
from tests.fleet.manage_service import Service, managing, worker

Cli = Callable[..., Told]


@pytest.fixture
def managed(fleet: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    """Both APIs of a service on which yolo and whisper are, made with three workers at most."""
    fleet()
    for cache in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(cache, str(tmp_path / "cache"))
    with managing(API_KEY) as running:
        monkeypatch.setenv("RUNPOD_API_BASE_URL", running.url)
        for kind in ("yolo", "whisper"):
            running.endpoints[f"{kind}-id"] = {
                "id": f"{kind}-id",
                "name": f"framefleet-{kind}",
                "env": {},
                "gpu": {"pools": ["ADA_24"], "count": 1, "allowedCudaVersions": [], "minCudaVersion": None},
                "workers": {"min": 0, "max": 3, "idleTimeout": 5},
                "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
            }
        yield running


def left(service: Service, kind: str, most: int) -> None:
    service.endpoints[f"{kind}-id"]["workers"]["max"] = most


def most(service: Service, kind: str) -> int:
    return int(service.endpoints[f"{kind}-id"]["workers"]["max"])


def typed(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return text is not None

    monkeypatch.setattr("sys.stdin", Terminal(text or ""))


def test_a_run_on_one_without_workers_ends_at_once_and_costs_nothing(
    cli: Cli, video: Path, managed: Service, tmp_path: Path
) -> None:
    left(managed, "yolo", 0)
    told = cli("run", video)
    assert told.code == 1
    assert "yolo: endpoint yolo-id has max workers 0, so no worker can start" in told.line
    assert "after 7 days without requests" in told.line and "--wake" in told.line
    assert not (tmp_path / "output" / "framefleet-journal.sqlite3").exists()


@pytest.mark.full
def test_one_that_was_lowered_to_two_is_named_and_used(cli: Cli, video: Path, managed: Service) -> None:
    left(managed, "yolo", 2)
    told = cli("run", video, "--batch-size", 1)
    assert told.code == 0
    assert "yolo: endpoint yolo-id has max workers 2; RunPod lowers it to that after 3 days" in told.err
    told = cli("run", video, "--batch-size", 1, "--fresh", "--max-workers", 2)  # no more are wanted
    assert told.code == 0 and "max workers 2" not in told.err


@pytest.mark.full
def test_what_is_answered_needs_nobody_awake(cli: Cli, video: Path, managed: Service) -> None:
    assert cli("run", video).code == 0
    left(managed, "yolo", 0)
    assert cli("run", video).code == 0


@pytest.mark.full
def test_a_run_wakes_them_when_a_person_agrees(
    cli: Cli, video: Path, managed: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    left(managed, "yolo", 0)
    typed(monkeypatch, None)
    told = cli("run", video, "--wake")
    assert told.code == 2 and "pass --yes" in told.err and managed.changed == []
    typed(monkeypatch, "n\n")
    assert cli("run", video, "--wake").code == 2
    assert managed.changed == []
    typed(monkeypatch, "y\n")
    told = cli("run", video, "--wake")
    assert (told.code, most(managed, "yolo"), managed.changed) == (0, 3, ["PATCH"])


@pytest.mark.full
def test_yes_is_an_answer_and_nothing_asleep_needs_none(cli: Cli, video: Path, managed: Service) -> None:
    assert cli("run", video, "--wake").code == 0
    assert managed.changed == []
    left(managed, "whisper", 0)
    assert cli("run", video, "--wake", "--yes", "--fresh").code == 0
    assert most(managed, "whisper") == 3


def test_a_plan_names_them_and_changes_nothing(cli: Cli, video: Path, managed: Service) -> None:
    left(managed, "whisper", 0)
    told = cli("plan", video)
    assert told.code == 0 and "whisper: endpoint whisper-id has max workers 0" in told.out
    assert managed.changed == []


def test_a_plan_says_what_price_it_goes_by(cli: Cli, video: Path, managed: Service) -> None:
    told = cli("plan", video)
    assert "price    RunPod's price list as read on " in told.out
    assert "RTX 4090 assumed, the most expensive of ADA_24" in told.out


@pytest.mark.full
def test_a_plan_of_what_is_left_goes_by_the_same_price(cli: Cli, video: Path, managed: Service) -> None:
    assert cli("run", video).code == 0
    told = cli("plan", video, "--fps", 2)
    assert "6 of 12 frames already answered" in told.out and "the most expensive of ADA_24" in told.out
    assert "price " not in cli("plan", video).out  # nothing is left to pay for


def test_the_budget_goes_by_the_same_price(
    cli: Cli, video: Path, managed: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: dict[str, tuple[str, ...]] = {}
    monkeypatch.setattr(Budget, "expect", lambda _, kind, tariff: expected.update({kind: tariff.pools}))
    assert cli("run", video).code == 0
    assert expected == {"yolo": ("ADA_24",), "whisper": ("ADA_24",)}


@pytest.mark.full
def test_doctor_names_and_mends(cli: Cli, managed: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    left(managed, "yolo", 0)
    left(managed, "whisper", 2)
    told = cli("doctor")
    objects, speech = (
        next(row for row in told.out.splitlines() if f" {name} " in row) for name in ("objects", "speech")
    )
    assert told.code == 1
    assert objects.startswith("FAIL") and "max workers 0" in objects and "doctor --fix" in objects
    assert speech.startswith("note") and "max workers 2" in speech
    typed(monkeypatch, "y\n")
    told = cli("doctor", "--fix")
    assert told.code == 0 and "endpoint yolo-id answers" in told.out and "endpoint whisper-id answers" in told.out
    assert (most(managed, "yolo"), most(managed, "whisper")) == (3, 3)


@pytest.mark.full
@pytest.mark.parametrize("status", [*full(401), 403])
def test_a_key_that_may_not_manage_hinders_nothing(cli: Cli, video: Path, managed: Service, status: int) -> None:
    left(managed, "yolo", 0)
    managed.fail = (status, b'{"title": "No", "status": 403, "detail": "access denied"}', {})
    told = cli("run", video)
    assert told.code == 0 and "max workers" not in told.err
    assert "max workers not checked, the key lacks permission" in cli("doctor").out
    told = cli("run", video, "--wake", "--fresh")
    assert told.code == 0 and "max workers not checked: the key lacks permission" in told.err


def test_the_document_says_where_its_price_is_from(cli: Cli, video: Path, managed: Service, document: Any) -> None:
    assert cli("run", video, "--no-speech").code == 0
    cost = document().cost.stages["objects"]
    assert (
        cost.rate_source.startswith("RunPod's price list as read on ")
        and "most expensive of ADA_24" in cost.rate_source
    )
    assert cost.usd_per_s == pytest.approx(1.1 / 3600, rel=1e-4)
    assert cli("run", video, "--no-speech", "--fresh", "--price", 0.5).code == 0
    assert document().cost.stages["objects"].rate_source == "given by --price"


@pytest.mark.full
def test_a_run_that_nothing_comes_of_says_why_by_the_list_of_workers(
    cli: Cli, video: Path, managed: Service, fleet: Any
) -> None:
    fleet(workers=0)
    managed.workers["yolo-id"] = [
        worker("w1", "UNHEALTHY", startedAt="2026-06-01T12:05:00Z", gpuTypeId="NVIDIA L4", uptimeSeconds=3)
    ]
    managed.logs["w1"] = ["RuntimeError: CUDA driver version is insufficient"]
    told = cli("run", video, "--no-speech", "--patience-s", 0.5)
    assert told.code == 1
    last = told.err.splitlines()[-1]
    assert "no progress for " in last and "1 worker in a crash loop" in last
    assert 'log: "RuntimeError: CUDA driver version is insufficient"' in last
