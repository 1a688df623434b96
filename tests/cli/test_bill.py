"""`framefleet bill`: RunPod's bill beside our own, and the difference explained."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cli.commands.bill import seconds_since
from framefleet.errors import UsageError
from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.backends.runpod.management_api import BillingRecord
from framefleet.fleet.billing.prices import Tariff
from framefleet.fleet.billing.reconciliation import (
    Spent,
    Theirs,
    line,
    ours,
    theirs,
    window,
)
from framefleet.fleet.billing.usage import JobUsage
from tests.cli.conftest import Told
from tests.conftest import API_KEY
from tests.fleet.manage_service import Service, managing, record

Cli = Callable[..., Told]

NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START, END = NOW.isoformat(), (NOW + timedelta(hours=1)).isoformat()


@pytest.fixture
def managed(fleet: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    fleet()
    for cache in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(cache, str(tmp_path / "cache"))
    with managing(API_KEY) as running:
        monkeypatch.setenv("RUNPOD_API_BASE_URL", running.url)
        running.records = [
            record("yolo-id", START, END, gpu=0.5, disk=0.01, fee=0.1),
            record("yolo-id", (NOW - timedelta(days=40)).isoformat(), (NOW - timedelta(days=39)).isoformat(), gpu=99.0),
            record("somebody-elses", START, END, gpu=7.0),
        ]
        yield running


def told_json(told: Told) -> dict[str, Any]:
    assert told.code == 0, told.err
    return dict(json.loads(told.out))


@pytest.mark.full
def test_the_last_week_of_the_endpoints_that_are_set(cli: Cli, video: Path, managed: Service) -> None:
    assert cli("run", video, "--price", 0.001).code == 0
    bill = told_json(cli("bill", "--json", "--price", 0.001))
    yolo, whisper = bill["endpoints"]
    assert (yolo["kind"], yolo["id"], whisper["kind"]) == ("yolo", "yolo-id", "whisper")
    assert yolo["runpod"] == {"gpu": 0.5, "cpu": 0.0, "disk": 0.01, "fee": 0.1, "total": 0.61}
    assert yolo["ours"]["requests"] == 1 and yolo["ours"]["usd"] in (0.005, 0.006)  # idle, and next to no work
    assert yolo["differs"] == pytest.approx(0.61 - yolo["ours"]["usd"])
    assert whisper["runpod"]["total"] == 0 and whisper["ours"]["usd"] > 0
    (asked,) = [path for _, path, _ in managed.asked if "billing" in path]
    assert "bucketSize=day" in asked and "startTime=" in asked


@pytest.mark.full
def test_a_table_for_a_person(cli: Cli, video: Path, managed: Service) -> None:
    cli("run", video)
    told = cli("bill", "--since", "1d")
    assert told.code == 0
    row = next(line for line in told.out.splitlines() if "yolo yolo-id" in line)
    assert row.split()[2:7] == ["$0.5000", "$0.0000", "$0.0100", "$0.1000", "$0.6100"]
    assert "$0.0100 disk and $0.1000 platform fee: on RunPod's bill only" in told.out
    assert "idle time beyond the 5 s" in told.out
    assert "the period is not over" in told.out
    assert "somebody-elses" not in told.out


@pytest.mark.full
def test_one_result_is_looked_at_by_the_hour_and_others_in_it_are_told(
    cli: Cli, video: Path, managed: Service, tmp_path: Path
) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(video.read_bytes() + b"\0" * 9)
    assert cli("run", video, other, "--price", 0.001).code == 0
    bill = told_json(cli("bill", "output/clip_results.json", "--json", "--price", 0.001))
    assert bill["bucket"] == "hour"
    yolo = bill["endpoints"][0]
    assert yolo["ours"]["requests"] == 1 and yolo["ours"]["other_usd"] > 0
    assert any("for other FrameFleet videos" in why for why in yolo["why"])


@pytest.mark.full
def test_a_result_without_its_journal_still_says_what_it_cost(cli: Cli, video: Path, managed: Service) -> None:
    assert cli("run", video, "--price", 0.001).code == 0
    for path in Path("output").glob("*.sqlite3*"):
        path.unlink()
    yolo, _ = told_json(cli("bill", "output/clip_results.json", "--json"))["endpoints"]
    assert yolo["ours"]["usd"] in (0.005, 0.006) and yolo["ours"]["requests"] == 1


@pytest.mark.full
def test_what_a_shared_folder_of_journals_has_is_counted(cli: Cli, video: Path, managed: Service) -> None:
    assert cli("run", video, "--price", 0.001, "--journal", "journals").code == 0
    yolo, _ = told_json(cli("bill", "--json", "--price", 0.001, "--journal", "journals"))["endpoints"]
    assert yolo["ours"]["usd"] in (0.005, 0.006) and yolo["ours"]["requests"] == 1
    yolo, _ = told_json(cli("bill", "--json", "--price", 0.001))["endpoints"]
    assert yolo["ours"]["requests"] == 0


@pytest.mark.full
def test_an_endpoint_that_serves_two_kinds_is_one_line(
    cli: Cli, video: Path, managed: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("run", video, "--price", 0.001).code == 0
    for path in Path("output").glob("*.sqlite3*"):
        path.unlink()
    monkeypatch.setenv("FRAMEFLEET_WHISPER_ENDPOINT", "yolo-id")
    (told,) = told_json(cli("bill", "output/clip_results.json", "--json", "--price", 0.001))["endpoints"]
    assert (told["kind"], told["ours"]["requests"]) == ("yolo, whisper", 2)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "lacks permission for this (403)"),
        (401, "RunPod refuses the key (401)"),
        (500, "the service answered 500"),
    ],
)
def test_a_bill_that_is_refused_is_one_line(cli: Cli, managed: Service, status: int, said: str) -> None:
    managed.fail = (status, b"<html>", {})
    told = cli("bill")
    assert told.code == 1 and said in told.line and told.out == ""


def test_wrong_usage(cli: Cli, managed: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "missing.json" in cli("bill", "missing.json").line
    assert "give one of them" in cli("bill", "x.json", "--since", "1d").line
    assert cli("bill", "--since", "soon").code == 2
    monkeypatch.delenv("RUNPOD_API_KEY")
    told = cli("bill")
    assert told.code == 1 and "RUNPOD_API_KEY is not set" in told.line


@pytest.mark.parametrize(
    ("text", "at_s"),
    [("2h", 1e9 - 7200), ("7d", 1e9 - 604_800), ("2w", 1e9 - 1_209_600), ("2001-01-01", 978_307_200.0)],
)
def test_since_when(text: str, at_s: float) -> None:
    assert seconds_since(text, 1e9) == at_s


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7x", "2999-01-01", "1e3d", "٣d"])
def test_since_never(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        seconds_since(text, 1e9)


def job(start_s: float, ran_s: float, *, waited_s: float = 0.0, worker: str = "w") -> Spent:
    charge = JobUsage(start_s, Receipt(worker, waited_s * 1000, ran_s * 1000), gpu="NVIDIA L4", run_s=1e9)
    return Spent(kind="yolo", id="abc", source="s", charge=charge)


def test_first_jobs_of_workers_tell_how_long_starts_may_have_been() -> None:
    counted = ours(
        [job(0, 1, waited_s=30), job(40, 1, waited_s=2), job(1, 1, waited_s=20, worker="v")], [], None, Tariff()
    )
    assert (counted.start_wait_s, counted.workers) == (50, 2)
    assert counted.start_wait_usd == pytest.approx(50 * 0.00019)


def reasons(runpod: Theirs, jobs: Sequence[Spent]) -> str:
    return "; ".join(line("yolo", "abc", runpod, ours(jobs, [], None, Tariff()), 5).why)


def test_what_a_difference_is_made_of() -> None:
    jobs = [job(0, 1, waited_s=30)]  # 6 s: $0.00114, and at most $0.0057 to start
    assert reasons(Theirs(gpu=0.00114, total=0.00114), jobs) == ""
    cold = reasons(Theirs(gpu=0.005, total=0.005), jobs)
    assert cold.startswith("up to $0.0039 for cold starts") and "30.0 s" in cold and "idle" not in cold
    much = reasons(Theirs(gpu=0.1, total=0.1), jobs)
    assert "$0.0057 for cold starts" in much and "for idle time beyond the 5 s" in much
    assert "less for GPUs than counted here" in reasons(Theirs(), jobs)
    assert "CPU" in reasons(Theirs(gpu=0.00114, cpu=0.2, total=0.20114), jobs)


@given(st.floats(0, 2e9), st.floats(0, 4e7))
def test_a_window_holds_its_time_in_whole_buckets(start_s: float, lasts_s: float) -> None:
    start, end, bucket = window(start_s, start_s + lasts_s)
    assert start.timestamp() <= start_s + 1e-3 and end.timestamp() >= start_s + lasts_s - 1e-3
    step = {"hour": 3600, "day": 86_400}[bucket]
    assert start.timestamp() % step == end.timestamp() % step == 0 and end > start
    assert (end - start).total_seconds() / step <= 500


amounts = st.floats(0, 100)
records = st.lists(
    st.builds(
        BillingRecord,
        serverlessId=st.sampled_from("ab"),
        startTime=st.just(NOW),
        endTime=st.just(NOW),
        gpuAmount=amounts,
        feeAmount=amounts,
        totalAmount=amounts,
    ),
    max_size=9,
)


@given(records, st.randoms())
def test_records_add_up_in_any_order(listed: list[BillingRecord], random: Any) -> None:
    shuffled = list(listed)
    random.shuffle(shuffled)
    once, again = theirs(listed), theirs(shuffled)
    assert once.keys() == again.keys()
    for id in once:
        assert once[id].total == pytest.approx(again[id].total)
        assert once[id].gpu == pytest.approx(sum(one.gpuAmount for one in listed if one.serverlessId == id))
