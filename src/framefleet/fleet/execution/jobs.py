"""The jobs that one stage has with its endpoint: submitted, waited for, cancelled, and what each was charged."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import inf
from time import perf_counter
from typing import NamedTuple

import msgspec

from framefleet.cancel import CancelScope
from framefleet.errors import FleetError, NotDoneError
from framefleet.fleet.backends.base import (
    Backend,
    Done,
    Job,
    Receipt,
)
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.billing.usage_log import UsageLog
from framefleet.fleet.execution.retry import AGAIN
from framefleet.logs import logger
from framefleet.timebase import Seconds

log = logger(__name__)

CANCEL_S = 20.0  # how long a run's end may take to cancel its jobs; what is left ends by its time to live
CANCEL_TRIES = 3


class Sent(NamedTuple):
    """A job that the service accepted, and when, in seconds since the run began; None where another run sent it."""

    job: Job
    submitted_s: Seconds | None


class Jobs:
    """Safe to call from many threads. `charges` are of all jobs that are known to be over.

    Once `scope` is cancelled nothing more is submitted, and once it is closing, what is being submitted is cancelled as
    soon as its id is known.
    """

    def __init__(
        self,
        backend: Backend,
        endpoint: str,
        *,
        began: Seconds,
        budget: Budget,
        ledger: UsageLog | None = None,
        scope: CancelScope | None = None,
    ) -> None:
        self._backend = backend
        self._scope = scope or CancelScope()
        self._endpoint = endpoint
        self._began = began
        self._budget = budget
        self._ledger = ledger
        self._changed = threading.Condition()
        self._at_work: dict[str, Job] = {}
        self._placing = 0  # jobs that are being submitted
        self._unheard: set[str] = set()  # jobs that were submitted and are not known to be over
        self._cancelled = False
        self.charges: list[JobUsage] = []
        self.sending: list[Seconds] = []  # how long each job took to be accepted, with what it waited for its turn

    @property
    def in_flight(self) -> int:
        """Jobs that the service has and has not answered."""
        with self._changed:
            return len(self._at_work)

    @property
    def unheard(self) -> int:
        """Jobs that this run submitted and that are not known to be over: what they cost is not known either."""
        with self._changed:
            return len(self._unheard)

    def submit(self, request: msgspec.Struct, note: Callable[[Sent], None] = lambda _: None) -> Sent:
        """Has the service take a request. `note` is told its job before anything else happens. Raises `FleetError`.

        Raises the reason of the scope where that is cancelled before anything is sent.
        """
        with self._being_placed():
            self._scope.check()  # after it is counted: who waits for what is being placed misses none
            submitted_s = self.now()
            sent = Sent(self._backend.submit(self._endpoint, request, self._scope), submitted_s)
            log.debug("%s: job %s is accepted", self._endpoint, sent.job.id)
            with self._changed:
                self.sending.append(self.now() - submitted_s)
                self._unheard.add(sent.job.id)
            self.enlist(sent)
            note(sent)
            if self._scope.closing:  # unless it is done already, it ends as cancelled
                self.cancel(sent.job)
        return sent

    def enlist(self, sent: Sent) -> None:
        """From now on the job is one of those at work."""
        with self._changed:
            self._at_work[sent.job.id] = sent.job

    def over(self, sent: Sent) -> None:
        """Nobody waits for the job any more."""
        with self._changed:
            self._at_work.pop(sent.job.id, None)

    def wait(self, sent: Sent, timeout_s: Seconds, *, hedged: bool = False) -> Done:
        """The job's output. What it cost is counted, also where it failed. Raises `FleetError`."""
        try:
            done = self._backend.wait(sent.job, timeout_s, self._scope)
        except FleetError as error:
            if not isinstance(error, NotDoneError):  # of which there are many to an answer
                log.info("%s: job %s: %s", self._endpoint, sent.job.id, error)
            if error.job_over:
                self._heard(sent)
            if error.receipt is not None and error.receipt.execution_ms > 0:  # or no worker ever had it
                self._charge(sent, error.receipt, hedged=hedged)
            raise
        self._heard(sent)
        gpu = done.output.get("gpu") if isinstance(done.output, dict) else None
        self._charge(sent, done.receipt, gpu if isinstance(gpu, str) else None, hedged=hedged)
        return done

    def lose(self, sent: Sent) -> None:
        """Cancels a job whose answer came from another one.

        Counted is what the service says it cost, or where it says nothing, all of its time.
        """
        self.over(sent)
        self.cancel(sent.job)
        try:
            self.wait(sent, 0, hedged=True)
        except FleetError as error:
            log.debug("%s: job %s lost the race: %s", self._endpoint, sent.job.id, error)
            if error.receipt is None:
                ran_ms = (self.now() - (sent.submitted_s or 0.0)) * 1000
                self._charge(sent, Receipt(f"hedged {sent.job.id}", 0, ran_ms), hedged=True)

    def cancel(self, job: Job, until: Seconds = inf) -> None:
        """Asks for it a few times, and not anew after `until`; what cannot be cancelled ends by its time to live."""
        for _ in range(CANCEL_TRIES):
            if perf_counter() >= until:  # a network that is away costs each time its timeout
                break
            try:
                self._backend.cancel(job)
                log.debug("%s: job %s is cancelled", self._endpoint, job.id)
                break
            except FleetError as error:
                log.info("%s: job %s cannot be cancelled: %s", self._endpoint, job.id, error)
                if error.advice not in AGAIN:
                    break

    def cancel_all(self, also: Iterable[Job] = ()) -> None:
        """Cancels what the service has, and waits for what is being submitted: all in `CANCEL_S` or so.

        For when the scope is closing. However many threads call it, each job is cancelled once, and each caller waits.
        """
        with self._changed:
            jobs = [] if self._cancelled else [*self._at_work.values(), *also]
            self._cancelled = True
        until = perf_counter() + CANCEL_S
        for job in jobs:
            self.cancel(job, until)
        with self._changed:
            self._changed.wait_for(lambda: not self._placing, max(0.0, until - perf_counter()))

    def now(self) -> Seconds:
        """Since the run began."""
        return perf_counter() - self._began

    @contextmanager
    def _being_placed(self) -> Iterator[None]:
        """A job accepted here, whose id nobody knows yet, would be paid for in vain if the process ended now."""
        with self._changed:
            self._placing += 1
        try:
            yield
        finally:
            with self._changed:
                self._placing -= 1
                self._changed.notify_all()

    def _heard(self, sent: Sent) -> None:
        with self._changed:
            self._unheard.discard(sent.job.id)

    def _charge(self, sent: Sent, receipt: Receipt, gpu: str | None = None, *, hedged: bool) -> None:
        charge = JobUsage(sent.submitted_s, receipt, gpu, hedged)
        waited, ran, of = receipt.delay_ms, receipt.execution_ms, receipt.worker_id
        log.debug("%s: job %s waited %.0f ms, ran %.0f ms on %s", self._endpoint, sent.job.id, waited, ran, of)
        with self._changed:
            self.charges.append(charge)
        if self._ledger is not None:
            self._ledger.add(sent.job.id, charge)
        self._budget.add(self._endpoint, charge)
