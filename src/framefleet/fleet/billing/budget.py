"""What a run has cost so far, and whether it may go on."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from framefleet.errors import BudgetError
from framefleet.fleet.billing.bill import Bill
from framefleet.fleet.billing.prices import Tariff
from framefleet.fleet.billing.usage import JobUsage
from framefleet.logs import logger

log = logger(__name__)


class Budget:
    """One for a run, over all its endpoints. Without `max_usd` it allows everything. `price` is dollars a second."""

    def __init__(self, max_usd: float | None, price: float | None = None) -> None:
        self._max_usd = max_usd
        self._price = price
        self._bills: dict[str, Bill] = defaultdict(lambda: Bill(price))
        self._in_flight: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def expect(self, endpoint: str, tariff: Tariff) -> None:
        """What is known of the endpoint's bill before it has one."""
        self._bills[endpoint] = Bill(self._price, tariff=tariff)

    def begin(self, endpoint: str) -> None:
        """One more request is to be sent, and then `end` called. Raises `BudgetError` if that would cost too much."""
        with self._lock:
            self._in_flight[endpoint] += 1
            if self._max_usd is None:
                return
            expected = self._expected()
            if expected > self._max_usd:
                self._in_flight[endpoint] -= 1
                log.warning("%s: no request more: $%.4f expected, $%g allowed", endpoint, expected, self._max_usd)
                raise BudgetError(
                    f"--max-cost {self._max_usd:g}: going on would cost about ${expected:.4f}; "
                    "raise it and run the same command again: what is answered is kept"
                )

    def end(self, endpoint: str) -> None:
        """The request is over."""
        with self._lock:
            self._in_flight[endpoint] -= 1

    @contextmanager
    def request(self, endpoint: str) -> Iterator[None]:
        """From `begin` to `end`."""
        self.begin(endpoint)
        try:
            yield
        finally:
            self.end(endpoint)

    def add(self, endpoint: str, charge: JobUsage) -> None:
        """What a job cost is known, whatever came of it."""
        with self._lock:
            self._bills[endpoint].add(charge)

    def _expected(self) -> float:
        """Dollars billed so far, and for what is in flight as much as an average request took."""
        usd = 0.0
        for endpoint, in_flight in self._in_flight.items():
            bill = self._bills[endpoint]
            average_s = bill.execution_s / bill.requests if bill.requests else 0.0
            usd += bill.usd + bill.usd_per_s * average_s * in_flight
        return usd
