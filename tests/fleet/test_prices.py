"""What a worker's second costs: the whole list, by every spelling, read live where it can be, and never too little."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.config.endpoints import RUNPOD_BASE_URL, Fleet, Secret
from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.backends.runpod.management_api import ManageApi
from framefleet.fleet.backends.runpod.survey import Survey
from framefleet.fleet.billing.bill import Bill
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.billing.catalog import as_list, live_prices
from framefleet.fleet.billing.estimate import estimate
from framefleet.fleet.billing.prices import (
    TABLE,
    TABLE_DATE,
    Tariff,
    rate,
)
from framefleet.fleet.billing.usage import JobUsage
from tests.fleet.manage_service import Service, managing

KEY = "rpa_TESTKEY0123456789"
NOW_S = 1_790_000_000.0  # 2026-09-21

# RunPod's list of 2026-06-08, by the names of its reference of GPU types.
LIST = {
    0.00016: [
        "NVIDIA RTX A4000",
        "NVIDIA RTX A4500",
        "NVIDIA RTX 4000 Ada Generation",
        "NVIDIA RTX 4000 SFF Ada Generation",
        "NVIDIA RTX 2000 Ada Generation",
    ],
    0.00019: ["NVIDIA L4", "NVIDIA RTX A5000", "NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3090 Ti"],
    0.00031: ["NVIDIA GeForce RTX 4090", "NVIDIA RTX 4090", "NVIDIA GeForce RTX 4090 D", "RTX4090"],
    0.00034: ["NVIDIA RTX A6000", "NVIDIA A40", "NVIDIA A40-48Q"],
    0.00053: ["NVIDIA L40", "NVIDIA L40S", "NVIDIA RTX 6000 Ada Generation"],
    0.00076: ["NVIDIA A100 80GB PCIe", "NVIDIA A100-SXM4-80GB", "NVIDIA A100-PCIE-40GB"],
    0.00111: [
        "NVIDIA RTX PRO 6000 Blackwell Server Edition",
        "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
        "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition",
    ],
    0.00116: ["NVIDIA H100 80GB HBM3", "NVIDIA H100 PCIe", "NVIDIA H100 NVL", "nvidia h100 80gb hbm3"],
    0.00155: ["NVIDIA H200", "NVIDIA H200 NVL"],
    0.00240: ["NVIDIA B200"],
}


@pytest.mark.parametrize(("usd", "gpu"), [(usd, gpu) for usd, gpus in LIST.items() for gpu in gpus])
def test_every_gpu_of_the_list_by_the_names_that_workers_report(usd: float, gpu: str) -> None:
    per_s, source = rate(gpu, None)
    assert per_s == usd
    assert TABLE_DATE in source and "assumed" not in source


@pytest.mark.parametrize(
    "gpu",
    [
        "NVIDIA B300 SXM6 AC",
        "NVIDIA GeForce RTX 5090",
        "NVIDIA RTX 5000 Ada Generation",
        "NVIDIA RTX PRO 4500 Blackwell",
        "Quadro RTX 6000",
        "Tesla T4",
        "AMD Instinct MI300X OAM",
        "Rubin R100",
    ],
)
def test_one_that_nobody_knows_counts_as_the_dearest_and_is_said_to(gpu: str) -> None:
    usd, source = rate(gpu, None)
    assert usd == 0.00240
    assert "assumed, the most expensive of all" in source and f"{gpu} has no price there" in source


def test_of_an_endpoints_pools_the_dearest_counts() -> None:
    tariff = Tariff(pools=("AMPERE_16", "AMPERE_24"))
    assert rate("Rubin R100", None, tariff)[0] == rate(None, None, tariff)[0] == 0.00019
    assert "most expensive of AMPERE_16, AMPERE_24" in rate(None, None, tariff)[1]
    assert rate("NVIDIA H100 80GB HBM3", None, tariff)[0] == 0.00116  # what the worker says goes before


def test_a_slice_counts_as_the_whole_card_until_it_is_listed() -> None:
    gpu = "NVIDIA RTX PRO 6000 Blackwell Server Edition MIG 1g.24gb"
    usd, source = rate(gpu, None)
    assert usd == 0.00111 and "the whole card" in source
    rows = [
        {"id": "NVIDIA RTX PRO 6000 Blackwell Server Edition", "pool": "BLACKWELL_96", "price": {"serverless": 4.0}},
        {"id": gpu, "pool": "BLACKWELL_24", "price": {"serverless": 0.9}},
    ]
    live = Tariff(prices=listed(rows))
    assert rate(gpu, None, live) == (0.9 / 3600, f"RunPod's price list as read on 2026-09-21, {gpu[7:]}")


def test_several_gpus_a_worker_cost_as_many_times() -> None:
    usd, source = rate("NVIDIA L4", None, Tariff(gpus=2))
    assert usd == 0.00038 and "2 per worker" in source
    assert rate("NVIDIA L4", 0.5, Tariff(gpus=2))[0] == 0.5  # given for a worker


def test_nothing_known_and_nothing_said_is_an_assumption_by_name() -> None:
    assert rate(None, None)[0] == 0.00019
    assert "L4 assumed" in rate(None, None)[1]
    assert rate("", None) == rate(None, None)


@given(st.text(max_size=60) | st.sampled_from([gpu for gpus in LIST.values() for gpu in gpus]))
def test_no_gpu_is_cheaper_than_the_cheapest_nor_dearer_than_the_dearest(gpu: str) -> None:
    usd, source = rate(gpu, None)
    assert 0.00016 <= usd <= 0.00240 and TABLE.source in source


def listed(rows: list[dict[str, object]], at_s: float = NOW_S):  # type: ignore[no-untyped-def]
    import msgspec

    from framefleet.fleet.backends.runpod.management_api import CatalogGpu

    return as_list(msgspec.convert(rows, list[CatalogGpu]), at_s)


def test_the_live_list_is_by_the_hour_and_goes_before_the_table() -> None:
    live = Tariff(prices=listed(Service(KEY).gpus))
    usd, source = rate("NVIDIA GeForce RTX 4090", None, live)
    assert usd == pytest.approx(1.1 / 3600)
    assert source == "RunPod's price list as read on 2026-09-21, RTX 4090"
    assert rate("NVIDIA RTX 5090", None, live)[0] == pytest.approx(1.58 / 3600)


def test_a_gpu_that_the_live_list_lacks_is_looked_for_in_its_pool() -> None:
    live = Tariff(prices=listed(Service(KEY).gpus))
    usd, source = rate("NVIDIA RTX A5000", None, live)  # of the pool of the L4, by the table
    assert usd == pytest.approx(0.72 / 3600) and "most expensive of AMPERE_24" in source
    assert rate("NVIDIA A30", None, live)[0] == 0.00240  # listed, without a price or a pool
    assert rate("NVIDIA H100 PCIe", None, live) == (0.00116, f"RunPod price list of {TABLE_DATE}, H100")


def test_each_of_an_endpoints_pools_counts_by_the_list_that_has_it() -> None:
    live = listed(Service(KEY).gpus)
    assert rate(None, None, Tariff(prices=live, pools=("AMPERE_24", "AMPERE_80")))[0] == 0.00076
    assert rate(None, None, Tariff(prices=live, pools=("AMPERE_24", "ADA_32_PRO")))[0] == pytest.approx(1.58 / 3600)


PRICES = [None, {}, {"serverless": None}, {"serverless": 0}, {"serverless": -1}, {"serverless": 1e9}]


@pytest.mark.parametrize("price", PRICES)
def test_a_price_that_is_none_is_not_taken(price: object) -> None:
    odd = {"id": "NVIDIA L4", "pool": "AMPERE_24", "price": price}
    usd, source = rate("NVIDIA L4", None, Tariff(prices=listed([odd])))
    assert usd == 0.00019 and TABLE_DATE in source  # the table's


@pytest.fixture
def service() -> Service:  # type: ignore[misc]
    with managing(KEY) as running:
        yield running


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    return tmp_path / "cache" / "framefleet"


def fleet_of(service: Service, **more: object) -> Fleet:
    return Fleet(endpoints={"yolo": "abc"}, api_key=Secret(KEY), manage_url=service.url, **more)  # type: ignore[arg-type]


def catalog_calls(service: Service) -> int:
    return sum(path == "/v2/catalog/gpus" for _, path, _ in service.asked)


def test_the_list_is_read_once_a_day(service: Service, tmp_path: Path) -> None:
    api = ManageApi(fleet_of(service))

    def read(at_s: float) -> str:
        return live_prices(api, service.url, folder=tmp_path / "new", now=lambda: at_s).source

    assert read(NOW_S) == read(NOW_S + 86_399) == "RunPod's price list as read on 2026-09-21"
    assert catalog_calls(service) == 1
    assert read(NOW_S + 86_401).endswith("2026-09-22") and catalog_calls(service) == 2
    read(NOW_S)  # kept in a future that a clock set back has made of it
    assert catalog_calls(service) == 3
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["prices.json"]


@pytest.mark.parametrize("kept", [b"", b"{", b"[]", b'{"url": 1}', b"\xff" * 9])
def test_a_damaged_cache_is_read_anew(service: Service, tmp_path: Path, kept: bytes) -> None:
    (tmp_path / "prices.json").write_bytes(kept)
    api = ManageApi(fleet_of(service))
    assert live_prices(api, service.url, folder=tmp_path, now=lambda: NOW_S).find("NVIDIA L4") is not None
    assert json.loads((tmp_path / "prices.json").read_bytes())["url"] == service.url


def test_the_cache_is_of_one_service_and_needs_no_place(service: Service, tmp_path: Path) -> None:
    api = ManageApi(fleet_of(service))
    live_prices(api, "https://elsewhere", folder=tmp_path, now=lambda: NOW_S)
    live_prices(api, service.url, folder=tmp_path, now=lambda: NOW_S)
    assert catalog_calls(service) == 2
    (tmp_path / "file").write_text("")
    live_prices(api, service.url, folder=tmp_path / "file", now=lambda: NOW_S)  # not a folder: nothing is kept
    assert catalog_calls(service) == 3


def test_a_survey_knows_pools_gpus_idle_time_and_prices(service: Service, cache: Path) -> None:
    service.endpoints["abc"] = endpoint("abc", pools=["ADA_24"], count=2, idle=30)
    survey = Survey(fleet_of(service))
    tariff = survey.tariff("yolo")
    assert (tariff.pools, tariff.gpus, tariff.idle_s) == (("ADA_24",), 2, 30)
    assert rate(None, None, tariff)[0] == pytest.approx(2 * 1.1 / 3600)
    survey.tariff("yolo")
    assert len(service.asked) == 2  # the endpoints and the prices, once
    assert (cache / "prices.json").exists()


def endpoint(id: str, *, pools: list[str], count: int = 1, idle: int = 5, most: int = 3) -> dict[str, object]:
    return {
        "id": id,
        "name": id,
        "type": "QUEUE",
        "env": {},
        "gpu": {"pools": pools, "count": count, "allowedCudaVersions": [], "minCudaVersion": None},
        "workers": {"min": 0, "max": most, "idleTimeout": idle},
        "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
    }


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 200])
def test_a_survey_that_is_refused_knows_the_table_and_asks_no_more(service: Service, cache: Path, status: int) -> None:
    service.fail = (status, b"<html>", {})
    survey = Survey(fleet_of(service))
    assert survey.tariff("yolo").prices == TABLE and survey.endpoint("yolo") is None
    service.fail = None
    assert survey.tariff("yolo").prices == TABLE and service.asked == []
    assert survey.unasked == ("the key lacks permission" if status in {401, 403} else "RunPod does not respond")


def test_nobody_is_asked_without_key_endpoint_or_need(service: Service, cache: Path) -> None:
    Survey(Fleet(endpoints={"yolo": "abc"}, manage_url=service.url)).tariff("yolo")
    Survey(fleet_of(service)).tariff("whisper")
    elsewhere = Fleet(endpoints={"yolo": "abc"}, api_key=Secret(KEY), base_url="http://127.0.0.1:9")
    assert Survey(elsewhere).tariff("yolo") == Tariff()  # RunPod's management would be told the key of another service
    assert fleet_of(service).base_url == RUNPOD_BASE_URL
    Survey(fleet_of(service), price=0.001).tariff("yolo")
    assert catalog_calls(service) == 0


def test_bill_estimate_and_budget_go_by_the_same_tariff() -> None:
    tariff = Tariff(pools=("AMPERE_80",), idle_s=60)
    bill = Bill(tariff=tariff)
    bill.add(JobUsage(0, Receipt("w", 0, 1000), gpu="NVIDIA L4"))
    assert (bill.billed_s, bill.usd) == (61, pytest.approx(61 * 0.00019))
    guess = estimate("runpod", unit_seconds=1, units=1, workers=1, alone_s=1, price=None, tariff=tariff)
    assert guess.usd == pytest.approx(61 * 0.00076) and "A100" in guess.rate_source
    budget = Budget(0.04)
    budget.expect("yolo", tariff)
    budget.add("yolo", JobUsage(0, Receipt("w", 0, 1000)))
    from framefleet.errors import BudgetError

    with pytest.raises(BudgetError):
        budget.begin("yolo")
