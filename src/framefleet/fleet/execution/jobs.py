"""The jobs of one stage at its endpoint: submitting, waiting, cancelling, and the usage of each."""

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

CANCEL_S = 20.0  # how long the end of a run may take to cancel its jobs; the rest end by their time to live
CANCEL_TRIES = 3


class Sent(NamedTuple):
    """A job that the service accepted, and when, in seconds since the run began; None if another run sent it."""

    job: Job
    submitted_s: Seconds | None


class Jobs:
    """The jobs of a stage. Safe to call from many threads. `charges` is the usage of all jobs known to be over.

    Once `scope` is cancelled, no job is submitted, and once it is closing, a job that is being submitted is cancelled
    as soon as its id is known.
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
        self.sending: list[Seconds] = []  # how long each job took to be accepted, with the wait for its turn

    @property
    def in_flight(self) -> int:
        """The number of unanswered jobs at the service."""
        with self._changed:
            return len(self._at_work)

    @property
    def unheard(self) -> int:
        """The number of jobs that this run submitted and that are not known to be over, nor what they cost."""
        with self._changed:
            return len(self._unheard)

    def submit(self, request: msgspec.Struct, note: Callable[[Sent], None] = lambda _: None) -> Sent:
        """Submit a request and return its job. `note` gets the job before anything else happens. Raises `FleetError`.

        Raises the reason of the scope if that is cancelled before anything is sent.
        """
        with self._being_placed():
            self._scope.check()  # after it is counted, so that `cancel_all` misses no job that is being submitted
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
        """Count the job among those in flight."""
        with self._changed:
            self._at_work[sent.job.id] = sent.job

    def over(self, sent: Sent) -> None:
        """Count the job as no longer waited for."""
        with self._changed:
            self._at_work.pop(sent.job.id, None)

    def wait(self, sent: Sent, timeout_s: Seconds, *, hedged: bool = False) -> Done:
        """Return the job's output, and count what it cost, even if it failed. Raises `FleetError`."""
        try:
            done = self._backend.wait(sent.job, timeout_s, self._scope)
        except FleetError as error:
            if not isinstance(error, NotDoneError):  # of which there are many for each answer
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
        """Cancel a job whose answer came from another one.

        Its cost counts as the service reports it, or without a report, all of its time.
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
        """Try to cancel the job a few times, but not after `until`; else it ends by its time to live."""
        for _ in range(CANCEL_TRIES):
            if perf_counter() >= until:  # if the network is down, each try takes its timeout
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
        """Cancel all jobs when the scope is closing, and wait for those being submitted, for about `CANCEL_S`.

        However many threads call it, each job is cancelled once, and each caller waits.
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
        """Return the seconds since the run began."""
        return perf_counter() - self._began

    @contextmanager
    def _being_placed(self) -> Iterator[None]:
        """Count a job as being submitted: if the process ended before its id is known, it would be paid for in vain."""
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
