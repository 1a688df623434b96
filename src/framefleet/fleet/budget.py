"""What a run has cost so far, and whether it may go on."""

import threading
from collections import defaultdict

from framefleet.errors import BudgetError
from framefleet.fleet.cost import billed_seconds
from framefleet.fleet.exchange import Charge


class Budget:
    """One for a run, over all its endpoints. Without `max_usd` it allows everything."""

    def __init__(self, max_usd: float | None) -> None:
        self._max_usd = max_usd
        self._charges: dict[str, list[Charge]] = defaultdict(list)
        self._rates: dict[str, float] = {}
        self._in_flight: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def begin(self, endpoint: str, usd_per_s: float) -> None:
        """One more request is to be sent. Raises `BudgetError` if the run would pass its budget by it."""
        if self._max_usd is None or not usd_per_s:
            return
        with self._lock:
            self._rates[endpoint] = usd_per_s
            self._in_flight[endpoint] += 1
            expected = self._expected()
            if expected > self._max_usd:
                self._in_flight[endpoint] -= 1
                raise BudgetError(
                    f"--max-cost {self._max_usd:g}: going on would cost about ${expected:.4f}; "
                    "raise it and run the same command again: what is answered is kept"
                )

    def end(self, endpoint: str, charge: Charge | None) -> None:
        """The request is over, and what it cost is known if it was served."""
        with self._lock:
            self._in_flight[endpoint] -= 1
            if charge is not None:
                self._charges[endpoint].append(charge)

    def _expected(self) -> float:
        """Dollars billed so far, and for what is in flight as much as an average request took."""
        usd = 0.0
        for endpoint, rate in self._rates.items():
            charges = self._charges[endpoint]
            ran_s = sum(charge.receipt.execution_ms for charge in charges) / 1000
            average_s = ran_s / len(charges) if charges else 0.0
            usd += rate * (billed_seconds(charges)[0] + average_s * self._in_flight[endpoint])
        return usd
