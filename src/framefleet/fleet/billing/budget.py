"""What a run has cost so far, and whether it may send more requests."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from framefleet.cancel import CancelScope
from framefleet.errors import BudgetError
from framefleet.fleet.billing.bill import Bill
from framefleet.fleet.billing.prices import Tariff
from framefleet.fleet.billing.usage import JobUsage
from framefleet.logs import logger

log = logger(__name__)

_ALL = " for all videos together"
FREED_S = 1.0  # how often a run that waits for others' money looks whether they have spent what they reserved


class Budget:
    """The budget of one run, over all its endpoints. Without `max_usd` it allows everything.

    `price` is dollars per second, `within` the budget that several runs share.
    """

    def __init__(
        self, max_usd: float | None, price: float | None = None, *, within: "SharedBudget | None" = None
    ) -> None:
        self._max_usd = max_usd
        self._price = price
        self._within = within or SharedBudget(None)
        self._within.add(self)
        self._reserved_usd = 0.0
        self._elsewhere_usd = 0.0
        self._bills: dict[str, Bill] = defaultdict(lambda: Bill(price))
        self._in_flight: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    @contextmanager
    def reserved(self, usd: float, scope: CancelScope) -> Iterator[None]:
        """Reserve what the run is planned to cost until it ends; what is not spent then is free for other runs.

        Waits while it does not fit, but others may yet give back what they have reserved. Raises `BudgetError` if it
        does not fit in the end.
        """
        try:
            self._within.reserve(usd, self, scope)
            yield
        finally:
            self._within.end(self)

    def lend(self, share: int) -> float | None:
        """Reserve a `share`-th of what is free besides, for a process that cannot ask again.

        Return all that is reserved for the run; None if there is no limit.
        """
        usd = self._within.lend(self, share)
        return self._max_usd if usd is None else usd if self._max_usd is None else min(usd, self._max_usd)

    def spent(self, usd: float) -> None:
        """Count what a run in another process has cost."""
        with self._lock:
            self._elsewhere_usd += usd

    @property
    def committed(self) -> float:
        """The dollars that are spent or reserved, whichever is more."""
        return max(self._reserved_usd, self.expected())

    def expect(self, endpoint: str, tariff: Tariff) -> None:
        """Set the endpoint's tariff, before its bill begins."""
        self._bills[endpoint] = Bill(self._price, tariff=tariff)

    def begin(self, endpoint: str) -> None:
        """Count a request before it is sent; call `end` afterwards. Raises `BudgetError` if it would cost too much."""
        with self._within.one_at_a_time:
            with self._lock:
                self._in_flight[endpoint] += 1
            try:
                _check(self._max_usd, self.expected)
                self._within.check()
            except BudgetError as error:
                log.warning("%s: no further requests: %s", endpoint, error)
                self.end(endpoint)
                raise

    def end(self, endpoint: str) -> None:
        """Count a request as over."""
        with self._lock:
            self._in_flight[endpoint] -= 1

    @contextmanager
    def request(self, endpoint: str) -> Iterator[None]:
        """Count a request from `begin` to `end`."""
        self.begin(endpoint)
        try:
            yield
        finally:
            self.end(endpoint)

    def add(self, endpoint: str, charge: JobUsage) -> None:
        """Add what a job cost, whether it succeeded or not."""
        with self._lock:
            self._bills[endpoint].add(charge)

    def expected(self) -> float:
        """Return the dollars billed so far, with the requests in flight at the average cost of those that are over."""
        usd = self._elsewhere_usd
        with self._lock:
            for endpoint, in_flight in self._in_flight.items():
                bill = self._bills[endpoint]
                average_s = bill.execution_s / bill.requests if bill.requests else 0.0
                usd += bill.usd + bill.usd_per_s * average_s * in_flight
        return usd


class SharedBudget:
    """The budget of all runs of a session together. Without `max_usd` it allows everything."""

    def __init__(self, max_usd: float | None) -> None:
        self.max_usd = max_usd
        self.one_at_a_time = threading.Lock()  # two that begin at once would each count the other's request
        self._budgets: list[Budget] = []
        self._spent_usd = 0.0  # by runs that have ended
        self._freed = threading.Condition()

    def add(self, budget: Budget) -> None:
        """Count a run's budget from now on."""
        with self._freed:
            if self.max_usd is not None:
                self._budgets.append(budget)

    def end(self, budget: Budget) -> None:
        """Count a run as over: what it has reserved and not spent is free."""
        with self._freed:
            if budget in self._budgets:
                self._budgets.remove(budget)
                self._spent_usd += budget.expected()
            self._freed.notify_all()

    def reserve(self, usd: float, budget: Budget, scope: CancelScope) -> None:
        """Reserve so much for a run, as `Budget.reserved` does."""
        with self._freed, scope.on_cancel(self._wake):
            while self.max_usd is not None and self._committed(budget) + usd > self.max_usd:
                scope.check()
                if not any(one.committed > one.expected() for one in self._budgets if one is not budget):
                    _check(self.max_usd, lambda: self._committed(budget) + usd, whose=_ALL)
                    break
                self._freed.wait(FREED_S)
            budget._reserved_usd = usd

    def lend(self, budget: Budget, share: int) -> float | None:
        """Reserve more for a run, as `Budget.lend` does."""
        with self._freed:
            if self.max_usd is None:
                return None
            free = self.max_usd - self._committed(budget) - budget._reserved_usd
            budget._reserved_usd += max(0.0, free) / share
            return budget._reserved_usd

    def expected(self) -> float:
        """Return the dollars billed so far by all runs, with their requests in flight at the average cost."""
        with self._freed:
            return self._spent_usd + sum(budget.expected() for budget in self._budgets)

    def check(self) -> None:
        """Raise `BudgetError` if what is expected exceeds the budget."""
        _check(self.max_usd, self.expected, whose=_ALL)

    def _committed(self, but: Budget) -> float:
        return self._spent_usd + sum(budget.committed for budget in self._budgets if budget is not but)

    def _wake(self) -> None:
        with self._freed:
            self._freed.notify_all()


def _check(max_usd: float | None, expected: Callable[[], float], *, whose: str = "") -> None:
    if max_usd is None:
        return
    usd = expected()
    if usd > max_usd:
        raise BudgetError(
            f"--max-cost {max_usd:g}{whose}: continuing would cost about ${usd:.4f}",
            hint="raise it and run the same command again: answers are kept",
        )
