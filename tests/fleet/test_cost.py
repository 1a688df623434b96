import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import BudgetError
from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.billing.budget import Budget, SharedBudget
from framefleet.fleet.billing.estimate import (
    IDLE_TIMEOUT_S,
    billed_seconds,
    estimate,
    stage_cost,
    total,
)
from framefleet.fleet.billing.prices import rate
from framefleet.fleet.billing.usage import JobUsage


def charge(start_s: float, ran_s: float, worker: str = "w") -> JobUsage:
    return JobUsage(start_s, Receipt(worker, 0, ran_s * 1000))


def test_a_worker_is_billed_from_start_to_stop_with_its_idle_time_rounded_up() -> None:
    assert billed_seconds([charge(0, 0.2), charge(1, 0.2)]) == (math.ceil(1.2 + 5), 1)


def test_a_worker_that_idled_out_starts_anew() -> None:
    assert billed_seconds([charge(0, 1), charge(100, 1)]) == (2 * 6, 1)


def test_waiting_in_the_queue_is_not_billed() -> None:
    assert billed_seconds([JobUsage(0, Receipt("w", 30_000, 1_000))]) == (6, 1)


def test_workers_are_billed_each() -> None:
    assert billed_seconds([charge(0, 1, "a"), charge(0, 1, "b")]) == (12, 2)


jobs = st.lists(st.builds(charge, st.floats(0, 1e4), st.floats(0, 100), st.sampled_from("abc")), max_size=30)


@given(jobs, st.randoms())
def test_the_bill_covers_the_work_and_does_not_depend_on_order(charges: list[JobUsage], random: object) -> None:
    shuffled = list(charges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    billed, workers = billed_seconds(charges)
    assert billed_seconds(shuffled) == (billed, workers)
    assert billed >= workers * IDLE_TIMEOUT_S
    longest = max((c.receipt.execution_ms / 1000 for c in charges), default=0)
    assert billed >= longest


def test_the_gpu_chooses_the_row_and_the_user_overrides_it() -> None:
    assert rate("NVIDIA L4", None)[0] == 0.00019
    assert rate("NVIDIA L40S", None)[0] == 0.00053
    assert rate("NVIDIA H100 80GB HBM3", None)[0] == 0.00116
    assert rate("NVIDIA A100-SXM4-80GB", None)[0] == 0.00076
    assert rate("NVIDIA RTX A4000", None)[0] == 0.00016
    assert rate("NVIDIA RTX A6000", None)[0] == 0.00034
    assert rate("NVIDIA L4", 0.5) == (0.5, "given by --price")
    assert "assumed" in rate(None, None)[1]


def test_parallel_that_costs_more_than_sequential_is_said_to() -> None:
    several = [charge(0, 0.2, f"w{n}") for n in range(3)]
    plan = estimate("runpod", unit_seconds=0.0125, units=48, workers=3, alone_s=0.03, price=None)
    cost = stage_cost("runpod", several, gpu="NVIDIA L4", price=None, estimated=plan, alone_s=48 * 0.03)
    assert cost.billed_s == 18
    assert cost.usd > cost.usd_sequential > 0


def test_this_machine_is_free() -> None:
    plan = estimate("local", unit_seconds=0.05, units=100, workers=1, alone_s=0.05, price=None)
    assert plan.usd == 0
    assert stage_cost("local", [charge(0, 1)], gpu=None, price=None, estimated=plan, alone_s=5).usd == 0


def test_a_budget_refuses_the_request_that_would_pass_it() -> None:
    budget = Budget(0.01, price=0.001)
    budget.begin("yolo")
    budget.add("yolo", charge(0, 1))  # 6 s are billed: $0.006
    budget.end("yolo")
    budget.begin("yolo")  # one more second: $0.007
    budget.add("yolo", charge(1, 3.5))
    budget.end("yolo")
    with pytest.raises(BudgetError, match=r"--max-cost 0\.01"):
        budget.begin("yolo")


def test_runs_share_a_budget_and_each_has_its_own_besides() -> None:
    shared = SharedBudget(0.01)
    one, other, alone = Budget(None, 0.001, within=shared), Budget(0.005, 0.001, within=shared), Budget(None, 0.001)
    one.begin("yolo")
    one.add("yolo", charge(0, 1))  # 6 s are billed: $0.006
    other.begin("yolo")
    one.end("yolo")
    other.add("yolo", charge(0, 1))
    for budget, words in ((one, "--max-cost 0.01 for all videos together"), (other, "--max-cost 0.005: ")):
        with pytest.raises(BudgetError, match=words):
            budget.begin("yolo")
    assert (one._in_flight["yolo"], other._in_flight["yolo"]) == (0, 1)
    alone.begin("yolo")


def test_the_budget_counts_what_the_workers_gpu_costs() -> None:
    budget = Budget(0.02)
    budget.begin("yolo")
    budget.add("yolo", JobUsage(0, Receipt("w", 0, 15_000), gpu="NVIDIA H100 80GB HBM3"))  # 20 s at $0.00116
    budget.end("yolo")
    with pytest.raises(BudgetError):
        budget.begin("yolo")


def test_each_worker_is_billed_at_the_price_of_its_own_gpu() -> None:
    charges = [
        JobUsage(0, Receipt("a", 0, 1_000), gpu="NVIDIA L4"),
        JobUsage(0, Receipt("b", 0, 1_000), gpu="NVIDIA H100 80GB HBM3"),
        JobUsage(1, Receipt("b", 0, 500)),  # a failed job names no GPU
    ]
    plan = estimate("runpod", unit_seconds=1, units=3, workers=2, alone_s=1, price=None)
    cost = stage_cost("runpod", charges, gpu=None, price=None, estimated=plan, alone_s=3)
    assert cost.usd == pytest.approx(6 * 0.00019 + 7 * 0.00116)
    assert "L4" in cost.rate_source
    assert "H100" in cost.rate_source


def test_jobs_of_an_earlier_run_are_billed_one_after_the_other() -> None:
    adopted = [JobUsage(None, Receipt("w", 9_000, 2_000)) for _ in range(10)]
    assert billed_seconds(adopted) == (25, 1)
    assert billed_seconds([*adopted, charge(1, 1)]) == (27, 1)


def test_other_runs_are_billed_at_their_own_time() -> None:
    """A worker that still idled when the next run came is billed on; one that had stopped starts anew."""
    earlier = [JobUsage(0, Receipt("w", 0, 2_000), run_s=-6), JobUsage(None, Receipt("v", 0, 2_000), run_s=-100)]
    assert billed_seconds(earlier) == (7 + 7, 2)
    assert billed_seconds([*earlier, charge(0, 1, "w"), charge(0, 1, "v")]) == (12 + 7 + 6, 2)


def test_the_cost_of_all_runs_is_told_beside_that_of_this_one() -> None:
    plan = estimate("runpod", unit_seconds=1, units=1, workers=1, alone_s=1, price=None)
    others = [JobUsage(0, Receipt("w", 0, 2_000), run_s=-100)]
    more: Any = {"gpu": "NVIDIA L4", "price": 0.001, "estimated": plan, "alone_s": 1, "others": others}
    cost = stage_cost("runpod", [charge(0, 1)], **more)
    assert (cost.usd, cost.usd_all_runs, cost.requests) == (0.006, 0.013, 1)
    assert total({"objects": cost, "text": stage_cost("runpod", [], **more)}).usd_all_runs == 0.02
    assert stage_cost("local", [charge(0, 1)], **more).usd_all_runs == 0


def test_waiting_is_told_apart_from_work() -> None:
    plan = estimate("runpod", unit_seconds=1, units=2, workers=1, alone_s=1, price=None)
    charges = [JobUsage(1, Receipt("w", 500, 200)), JobUsage(0, Receipt("w", 30_000, 200))]
    cost = stage_cost("runpod", charges, gpu=None, price=None, estimated=plan, alone_s=1)
    assert (cost.delay_s, cost.first_delay_s, cost.execution_s) == (30.5, 30.0, 0.4)


def test_no_budget_refuses_nothing() -> None:
    budget = Budget(None)
    for n in range(100):
        budget.begin("yolo")
        budget.add("yolo", charge(n, 1))
        budget.end("yolo")
