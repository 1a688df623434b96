"""A circuit breaker: when to stop paying an endpoint whose requests fail. Knows neither HTTP nor time."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from framefleet.cancel import CancelScope
from framefleet.errors import FleetError, HopelessError
from framefleet.logs import logger

log = logger(__name__)

# Our choices: what a broken endpoint may cost, against how unlucky a good one may be.
NEVER_GOOD = 5  # failed requests in a row, if none ever succeeded
NO_LONGER_GOOD = 20  # if some did: one worker of many may be broken, and some frames may crash any worker
ENOUGH = 3  # after so many times the limit, running requests are not waited for either
TRIALS = 2  # requests with one work item each, of different items, before the endpoint is at fault and not they


class Breaker:
    """The circuit breaker of a stage's endpoint, shared by all its threads; `name` is the stage's.

    After so many paid failures in a row, further requests wait. If a running one succeeds, all continue. If none does,
    single requests are let through as trials, each for one work item alone, because the size of the requests may be at
    fault, or one item in each. If those fail too, every `request` raises `HopelessError`, which ends the stage.
    """

    def __init__(
        self,
        name: str,
        never_good: float = NEVER_GOOD,
        no_longer_good: float = NO_LONGER_GOOD,
        *,
        scope: CancelScope | None = None,
    ) -> None:
        """Take the stage's `scope`: once it is cancelled, no request waits any longer."""
        self._name = name
        self._scope = scope or CancelScope()
        self._limit = never_good
        self._no_longer_good = no_longer_good
        self._changed = threading.Condition()
        self._row = 0
        self._words: Counter[str] = Counter()  # the reasons for which the row failed
        self._at_work = 0
        self._held = False
        self._trials = 0  # failed ones since requests are held
        self._error: HopelessError | None = None
        self.failed: Counter[str] = Counter()  # requests that failed and were paid for, by the reason

    @contextmanager
    def request(self, on_over: Callable[[], None] = lambda: None) -> Iterator[int | None]:
        """Send a request in this block and check its answer there: an error raised in it counts as its outcome.

        Yields None, or for a trial, its number. `on_over` is called if a worker has had the request. Raises the error
        that ended the stage.
        """
        trial = self._enter()
        try:
            yield trial
        except FleetError as error:
            if error.paid:
                on_over()
            self._leave(trial, error if error.paid else None, good=False)
            raise
        except BaseException:
            self._leave(trial, None, good=False)
            raise
        else:
            on_over()
            self._leave(trial, None, good=True)

    def _enter(self) -> int | None:
        with self._changed, self._scope.on_cancel(self._wake):
            self._changed.wait_for(self._may_enter)
            self._scope.check()
            if self._error is not None:
                raise self._error
            self._at_work += 1
            return self._trials if self._held else None

    def _may_enter(self) -> bool:
        return self._scope.cancelled or self._error is not None or not self._held or self._at_work == 0

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _leave(self, trial: int | None, failed: FleetError | None, *, good: bool) -> None:
        with self._changed:
            self._at_work -= 1
            if good:
                if self._held:
                    log.info("%s: a request succeeded again, so all continue", self._name)
                self._row, self._trials, self._held, self._limit = 0, 0, False, self._no_longer_good
                self._words.clear()
            elif failed is not None:
                self._row += 1
                self._words[str(failed)] += 1
                self.failed[str(failed)] += 1
                self._trials += trial is not None
                log.info("%s: a paid request failed, %d in a row: %s", self._name, self._row, failed)
                if not self._held and self._row >= self._limit:
                    log.warning("%s: %d requests failed in a row: only trials from now on", self._name, self._row)
                self._held = self._held or self._row >= self._limit
                if self._trials >= TRIALS or self._row >= ENOUGH * self._limit:
                    self._error = self._error or self._hopeless()
            self._changed.notify_all()

    def _hopeless(self) -> HopelessError:
        """Return the error that ends the stage, with the most frequent reason, and log it."""
        (words, _), since = self._words.most_common(1)[0], self._limit == self._no_longer_good
        good = "none was answered since" if since else "none was answered"
        log.warning("%s: no further requests: %d failed in a row, and %s", self._name, self._row, good)
        return HopelessError(
            f"{self._name}: {self._row} requests in a row failed and {good}, so no more are paid for; {words}"
        )
