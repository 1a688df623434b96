"""The budget that several runs share: what is reserved, what is given back, and who waits for whom."""

import threading
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cancel import CancelScope
from framefleet.errors import BudgetError, CancelledError
from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.billing.budget import Budget, SharedBudget
from framefleet.fleet.billing.prices import Tariff
from framefleet.fleet.billing.usage import JobUsage


def of(shared: SharedBudget) -> Budget:
    budget = Budget(None, 1.0, within=shared)  # a dollar per second
    budget.expect("yolo", Tariff(idle_s=0))
    return budget


def spend(budget: Budget, seconds: float) -> None:
    with budget.request("yolo"):
        budget.add("yolo", JobUsage(0.0, Receipt("w", 0, seconds * 1000)))


def test_a_plan_that_does_not_fit_is_refused_if_nobody_gives_back() -> None:
    shared = SharedBudget(5)
    with of(shared).reserved(5, CancelScope()):
        pass
    with (
        pytest.raises(BudgetError, match="--max-cost 5 for all videos together: continuing would cost about"),
        of(shared).reserved(5.1, CancelScope()),
    ):
        pass


def test_what_others_have_reserved_is_waited_for_and_what_they_did_not_spend_is_free() -> None:
    shared, first, started = SharedBudget(5), ExitStack(), threading.Event()
    budget = of(shared)
    first.enter_context(budget.reserved(4, CancelScope()))

    def second() -> None:
        with of(shared).reserved(3, CancelScope()):
            started.set()

    thread = threading.Thread(target=second)
    thread.start()
    while not shared._freed._waiters:  # type: ignore[attr-defined]
        pass
    assert not started.is_set()
    spend(budget, 2)
    first.close()
    thread.join(30)
    assert started.is_set()
    assert shared.expected() == 2


def test_waiting_ends_with_the_scope() -> None:
    shared, scope = SharedBudget(5), CancelScope()
    budget = of(shared)
    with budget.reserved(4, CancelScope()):
        canceller = threading.Thread(target=lambda: (wait_for(shared), scope.cancel()))
        canceller.start()
        with pytest.raises(CancelledError), of(shared).reserved(3, scope):
            pass
        canceller.join()


def wait_for(shared: SharedBudget) -> None:
    while not shared._freed._waiters:  # type: ignore[attr-defined]
        pass


def test_one_who_has_spent_all_it_reserved_is_not_waited_for() -> None:
    shared = SharedBudget(5)
    budget = of(shared)
    with budget.reserved(4, CancelScope()):
        spend(budget, 4)
        with pytest.raises(BudgetError), of(shared).reserved(3, CancelScope()):
            pass


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), max_size=20))
def test_runs_one_after_the_other_never_reserve_more_than_there_is(runs: list[tuple[float, float]]) -> None:
    shared, spent = SharedBudget(10), 0.0
    for plan, share in runs:
        budget = of(shared)
        try:
            with budget.reserved(plan, CancelScope()):
                assert spent + plan <= 10 + 1e-9
                if plan * share:
                    spend(budget, plan * share)
        except BudgetError:
            assert spent + plan > 10 - 1e-9
        spent = shared.expected()


def test_a_process_that_cannot_ask_again_gets_a_share_of_what_is_free_and_gives_back_the_rest() -> None:
    shared = SharedBudget(10)
    budget = of(shared)
    with budget.reserved(2, CancelScope()):
        assert budget.lend(4) == 2 + (10 - 2) / 4
        other = of(shared)
        with other.reserved(6, CancelScope()):
            assert other.lend(4) == 6
            other.spent(1.5)
        assert shared.expected() == 1.5
        budget.spent(3)
    assert shared.expected() == 4.5


def test_without_a_limit_nothing_is_lent() -> None:
    assert of(SharedBudget(None)).lend(4) is None
    assert Budget(3, within=SharedBudget(None)).lend(4) == 3
    assert Budget(0.5, within=SharedBudget(10)).lend(1) == 0.5  # its own is the smaller one
