"""One stage's requests, many at a time: packed, sent, checked and counted, bounded in number.

Nothing here knows what a frame is. A request that fails never stops another, unless its error ends the run.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from math import inf
from time import perf_counter
from typing import Any

from framefleet.cancel import DRAIN_S
from framefleet.errors import BudgetError, CancelledError, FrameFleetError, describe
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.delivery import BatchDelivery, Failure
from framefleet.fleet.execution.retry import RetryPolicy
from framefleet.logs import logger
from framefleet.metrics import BusyTimer
from framefleet.progress import (
    ItemDone,
    ItemFailed,
    Listener,
    Notice,
)
from framefleet.stages.base import Answer, Codec, RequestBatch
from framefleet.timebase import Seconds

log = logger(__name__)

WATCH_S = 0.1  # how often a waiting thread checks the scope


@dataclass(slots=True)
class Outcome:
    """The outcome of a stage's requests. `fatal` is the error that ended it early, if one did.

    `sending` is how long each job took to be accepted, in that order, and `held_s` how long all calls to the service
    waited for their turn in total.
    """

    answers: list[Answer[Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    charges: list[JobUsage] = field(default_factory=list)
    sending: list[Seconds] = field(default_factory=list)
    held_s: Seconds = 0.0
    fatal: FrameFleetError | None = None


class Dispatcher:
    """Sends the payloads that `put` takes, which blocks while enough are in hand; `finish` returns the outcome.

    At most `workers` batches are sent at a time, fewer if the client's level is lower, and as many payloads again wait
    behind them, so that memory does not grow with the video's length.
    """

    def __init__(
        self,
        stage: Codec[Any, Any, Any],
        pack: Callable[[Any], RequestBatch[Any]],
        asker: EndpointClient,
        keeper: WorkClaims,
        *,
        workers: int,
        listener: Listener,
        policy: RetryPolicy = RetryPolicy(),
    ) -> None:
        self._stage = stage
        self._pack = pack
        self._asker = asker
        self._scope = asker.scope
        self._keeper = keeper
        self._listener = listener
        self._policy = policy
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=stage.name)
        self._workers = workers
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._outcome = Outcome(charges=asker.charges, sending=asker.sending)
        self._largest: int | None = None
        self.in_hand = BusyTimer()  # payloads that were put and are not done
        self._tickets: set[object] = set()  # one for each of them that no thread has started on

    @property
    def answers(self) -> list[Answer[Any]]:
        """The answers so far, from this run and before."""
        with self._lock:
            return list(self._outcome.answers)

    def known(self, answers: Sequence[Answer[Any]]) -> None:
        """Add answers from before this run."""
        self._outcome.answers.extend(answers)

    def settle(self, number: int, answer: Answer[Any], units: float) -> None:
        """Save an answer that needed no request."""
        self._keeper.keep({fact.index: [(fact, answer.reply)] for fact in answer.facts})
        with self._lock:
            self._outcome.answers.append(answer)
        self._listener(ItemDone(self._stage.name, number, units, 0, 0.0))

    def put(self, number: int, payload: Any, units: float) -> None:
        """Hand over one payload. Blocks while twice as many are in hand as may be in flight.

        Once the stage's scope is cancelled, the payload fails at once with the reason.
        """
        ticket = object()
        with self._lock, self._scope.on_cancel(self._wake):
            self._idle.wait_for(self._has_room)
            self.in_hand.begin()
            self._tickets.add(ticket)
        try:
            self._pool.submit(self._serve, ticket, number, payload, units)
        except RuntimeError as error:  # no thread can be started, but the pool may have queued it all the same
            log.warning("%s: no thread for request %d", self._stage.name, number, exc_info=error)
            if self._took(ticket):
                ours = FrameFleetError(describe(error))
                self._failed(number, units, ours, [Failure((), str(ours), 0)])
                self._done()

    def idle(self, timeout_s: Seconds) -> bool:
        """Wait at most `timeout_s` until all payloads are done, and return whether they are."""
        with self._lock:
            return self._idle.wait_for(lambda: self.in_hand.open == 0, timeout_s)

    def finish(self) -> Outcome:
        """Wait until all payloads are done, and return the outcome."""
        self._pool.shutdown(wait=True)
        self._outcome.fatal = self._scope.error
        return self._outcome

    def end(self, error: FrameFleetError) -> None:
        """End this stage alone: send no further requests, and cancel its jobs, so that nothing more is paid for."""
        if not self._scope.cancelled:
            log.warning("%s: ended by %s", self._stage.name, error)
        if not self._scope.closing:  # the end of a budget still waits for running jobs; any other error cuts that short
            self._scope.cancel(error, drain_s=inf if isinstance(error, BudgetError) else DRAIN_S)
        self._asker.drain()

    def drain(self) -> None:
        """Cancel the jobs once the stage's scope is cancelled, and wait for their ends until the drain is over.

        Answers that arrive later are saved all the same.
        """
        while not self._scope.closing and not self.idle(WATCH_S):
            pass  # no end of the drain is set yet
        self._asker.drain()
        self.idle(min(self._scope.drain_left_s, threading.TIMEOUT_MAX))
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _has_room(self) -> bool:
        return self._scope.cancelled or self.in_hand.open < 2 * min(self._workers, self._asker.at_once)

    def _wake(self) -> None:
        with self._lock:
            self._idle.notify_all()

    def _took(self, ticket: object) -> bool:
        """Take the payload with this ticket; return whether it is the caller's, and not taken by another thread."""
        with self._lock:
            mine = ticket in self._tickets
            self._tickets.discard(ticket)
        return mine

    def _done(self) -> None:
        with self._lock:
            self.in_hand.end()
            self._idle.notify_all()

    def _serve(self, ticket: object, number: int, payload: Any, units: float) -> None:
        if not self._took(ticket):
            return
        began = perf_counter()
        facts: tuple[Any, ...] = ()
        try:
            parcel = self._pack(payload)
            facts = parcel.facts
            over = self._scope.error
            exchanges = [] if over is not None else [self._exchanged(part) for part in self._fitting(parcel)]
        except Exception as error:  # a fault of this program in one payload must not lose the others
            log.warning("%s: request %d cannot be built", self._stage.name, number, exc_info=error)
            ours = FrameFleetError(describe(error))
            self._failed(number, units, ours, [Failure(facts, str(ours), 0)])
        else:
            failures = [failure for exchange in exchanges for failure in exchange.failures]
            failures += [Failure(facts, str(over), 0)] if over is not None else []
            error_at = next((exchange.error for exchange in exchanges if exchange.error), over)
            if error_at is not None:
                self._failed(number, units, error_at, failures)
            else:
                found = sum(self._stage.count(answer.reply) for exchange in exchanges for answer in exchange.answers)
                self._asker.meter.count(units)
                self._listener(ItemDone(self._stage.name, number, units, found, perf_counter() - began))
        finally:
            self._done()

    def _exchanged(self, parcel: RequestBatch[Any]) -> BatchDelivery:
        """Run the delivery of a batch and return it. Its answers are added to the outcome, even if it fails."""
        asker = self._asker
        exchange = BatchDelivery(self._stage, self._keeper, asker.ask, self._policy, asker.rest, asker.place)
        try:
            exchange.run(parcel)
        finally:
            with self._lock:
                self._outcome.answers.extend(exchange.answers)
            for answer in exchange.answers:
                self._limit_batches(getattr(answer.reply, "max_batch", None))
        return exchange

    def _limit_batches(self, max_batch: int | None) -> None:
        """Limit the batches for the rest of the run to `max_batch`, which fits a worker's GPU memory."""
        with self._lock:
            if max_batch is None or (self._largest is not None and self._largest <= max_batch):
                return
            self._largest = max(1, max_batch)
        log.info("%s: at most %d per request from now on, as a worker requires", self._stage.name, max_batch)
        text = f"{self._stage.name}: a worker's GPU memory fits {max_batch} at once; limiting batches to that"
        self._listener(Notice(text))

    def _fitting(self, parcel: RequestBatch[Any]) -> list[RequestBatch[Any]]:
        """Return the batch, halved until each part fits a worker's memory."""
        if self._largest is None or self._stage.payload_count(parcel) <= self._largest:
            return [parcel]
        return [part for half in self._stage.split(parcel) for part in self._fitting(half)]

    def _failed(self, number: int, units: float, error: FrameFleetError, failures: list[Failure]) -> None:
        log.info("%s: request %d failed, %d failures in it: %s", self._stage.name, number, len(failures), error)
        with self._lock:
            self._outcome.failures.extend(failures)
        if error.ends_run:
            self.end(error)
        # After a cancellation, do not report the requests that it cancelled, nor later errors in other threads.
        if not isinstance(error, CancelledError) and not isinstance(self._scope.error, CancelledError):
            self._listener(ItemFailed(self._stage.name, number, units, str(error)))
