"""Sending one request to one endpoint: within its limits and the budget, with hedging if it is enabled."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from math import inf
from typing import Any

import msgspec

from framefleet.cancel import CancelScope
from framefleet.errors import (
    FleetError,
    JobLostError,
    NotDoneError,
    RateLimitedError,
)
from framefleet.fleet.backends.base import Backend, Done
from framefleet.fleet.billing.budget import Budget
from framefleet.fleet.billing.usage import JobUsage
from framefleet.fleet.billing.usage_log import UsageLog
from framefleet.fleet.execution.breaker import Breaker
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.hedging import Hedge, race
from framefleet.fleet.execution.jobs import Jobs, Sent
from framefleet.logs import logger
from framefleet.metrics import BusyTimer
from framefleet.protocol.envelope import Probe
from framefleet.timebase import Seconds

log = logger(__name__)

JOB_TIMEOUT_S = 4000.0  # beyond the time to live that a job is sent with, so that the service ends it first


class EndpointClient:
    """The client of a stage's endpoint, shared by all its threads."""

    def __init__(
        self,
        backend: Backend,
        endpoint: str,
        *,
        began: Seconds,
        level: AdaptiveConcurrency,
        budget: Budget | None = None,
        hedge: Hedge | None = None,
        ledger: UsageLog | None = None,
        breaker: Breaker | None = None,
        scope: CancelScope | None = None,
    ) -> None:
        """Take the stage's `scope`. Without a `breaker`, an endpoint whose requests fail is never given up."""
        self.scope = scope or CancelScope()
        self._backend = backend
        self._endpoint = endpoint
        self._level = level
        self._budget = budget or Budget(None)
        self._hedge = hedge
        self._breaker = breaker or Breaker(endpoint, inf, inf)
        self._mine = threading.local()  # `held`: how many places were in use when this thread took its own
        self._resting = BusyTimer()
        self._jobs = Jobs(backend, endpoint, began=began, budget=self._budget, ledger=ledger, scope=self.scope)
        self._moved: Callable[[], None] = lambda: None
        self._probes: list[Sent] = []
        self._held_before_s = backend.held_s(endpoint)
        self.meter = BusyTimer()  # requests in flight

    @property
    def charges(self) -> list[JobUsage]:
        """The usage of all jobs that are known to be over; grows."""
        return self._jobs.charges

    @property
    def sending(self) -> list[Seconds]:
        """How long each job took to be accepted; grows."""
        return self._jobs.sending

    @property
    def held_s(self) -> Seconds:
        """How long calls to the service waited for their turn in total since the stage began."""
        return self._backend.held_s(self._endpoint) - self._held_before_s

    @property
    def in_flight(self) -> int:
        """The number of unanswered jobs at the service, without probes."""
        return self._jobs.in_flight

    @property
    def unheard(self) -> int:
        """The number of jobs that this run submitted and that are not known to be over."""
        return self._jobs.unheard

    @property
    def at_once(self) -> int:
        """How many requests may be in flight at present."""
        return self._level.limit

    @property
    def busy(self) -> bool:
        """Whether the endpoint has work: a request is being sent, running, or waiting for its next attempt."""
        return self.in_flight > 0 or self.meter.open > 0 or self._resting.open > 0

    @property
    def failed(self) -> Counter[str]:
        """How many requests failed and were paid for, by the reason."""
        return self._breaker.failed

    def on_answer(self, moved: Callable[[], None]) -> None:
        """Set the function that is called when a worker has answered, or has failed to."""
        self._moved = moved

    @contextmanager
    def place(self) -> Iterator[int | None]:
        """Hold a place in the level for a request, until its answer is checked: an error in the block is its outcome.

        Yields None, or the number of a trial, which must send one work item alone. Raises the error that ended the
        stage.
        """
        with self._level.slot(self.scope) as held, self.meter.working(), self._breaker.request(self._moved) as trial:
            self._mine.held = held
            try:
                yield trial
            finally:
                self._mine.held = None

    def ask(self, request: msgspec.Struct, note: Callable[[Sent], None], known: Sent | None = None) -> Any:
        """Return the output of `request`. `note` gets its job if another process can collect it. Raises `FleetError`.

        `known` is a job for the request that is not known to be over: it is waited for, and nothing is sent. Takes a
        place if the thread has none.
        """
        held = getattr(self._mine, "held", None)
        if held is None:
            with self.place():
                return self.ask(request, note, known)
        self.scope.check()
        try:
            with self._budget.request(self._endpoint):
                done = self._served(request, note if self._backend.capabilities.durable else _nobody, known)
        except RateLimitedError:
            self._level.refused()
            raise
        self._level.answered(done.receipt, held)
        return done.output

    def attend(self, job_id: str) -> Any:
        """Return the output of a job that another run submitted. Raises `FleetError`."""
        if not self._backend.capabilities.durable:
            raise JobLostError(f"{self._endpoint}: job {job_id} was lost with its process")
        sent = Sent(self._backend.attach(self._endpoint, job_id), None)
        self._jobs.enlist(sent)
        try:
            self.scope.check(under_way=True)  # else the job would be waited for after the end, which cancelled all jobs
            done = self._jobs.wait(sent, JOB_TIMEOUT_S)
        finally:
            self._jobs.over(sent)
        self._moved()
        return done.output

    def probe(self, timeout_s: Seconds) -> Any:
        """Return a worker's description of itself. Its job counts as any other. Raises `FleetError`."""
        sent = self._jobs.submit(Probe())
        try:
            return self._jobs.wait(sent, timeout_s).output
        except FleetError as error:
            if not error.job_over:
                self._jobs.cancel(sent.job)
            raise
        finally:
            self._jobs.over(sent)

    def wake(self, workers: int) -> None:
        """Send so many probes without waiting for them. Raises `FleetError`."""
        for _ in range(workers):
            self._probes.append(self._jobs.submit(Probe()))
            self._jobs.over(self._probes[-1])

    def drain(self) -> None:
        """Cancel the jobs at the service if the scope is closing, and wait for those that are being submitted.

        If the scope is not closing, as after the end of a budget, the running jobs were counted in it, and their
        answers are wanted.
        """
        if self.scope.closing:
            self._jobs.cancel_all(also=[probe.job for probe in self._probes])

    def settle(self) -> None:
        """Count what the probes cost, and cancel those that still wait, since they are not needed any more."""
        while self._probes:
            probe = self._probes.pop()
            try:
                self._jobs.wait(probe, 0)
            except FleetError as error:
                log.debug("%s: probe %s: %s", self._endpoint, probe.job.id, error)
                if not error.job_over:
                    self._jobs.cancel(probe.job)

    def rest(self, seconds: Seconds) -> None:
        """Wait before the next attempt. Raises the error that ended the stage, as soon as there is one."""
        with self._resting.working():
            self.scope.sleep(seconds)

    def _served(self, request: msgspec.Struct, note: Callable[[Sent], None], known: Sent | None) -> Done:
        if known is None:
            first = self._jobs.submit(request, note)
        else:
            first = known
            self._jobs.enlist(first)
        try:
            if known is not None:
                self.scope.check(under_way=True)  # as in `attend`
            done = self._waited(request, first, note)
        finally:
            self._jobs.over(first)
        if self._hedge is not None and first.submitted_s is not None:
            self._hedge.answered(self._jobs.now() - first.submitted_s)
        return done

    def _waited(self, request: msgspec.Struct, first: Sent, note: Callable[[Sent], None]) -> Done:
        """Return the job's output, or that of a hedge for the same request if that comes first."""
        after_s = self._hedge.after_s() if self._hedge is not None else None
        if after_s is None:
            return self._jobs.wait(first, JOB_TIMEOUT_S)
        with suppress(NotDoneError):
            return self._jobs.wait(first, after_s)
        with ExitStack() as meanwhile:
            second = self._again(request, meanwhile)
            if second is None:
                return self._jobs.wait(first, JOB_TIMEOUT_S)
            pause = partial(self.scope.sleep, under_way=True)
            return race(self._jobs, first, second, note=note, pause=pause, timeout_s=JOB_TIMEOUT_S)

    def _again(self, request: msgspec.Struct, meanwhile: ExitStack) -> Sent | None:
        """Submit another job for the request, counted in the budget `meanwhile`; None if not allowed or if it fails."""
        if self.scope.cancelled or self._hedge is None or not self._hedge.take():
            return None
        try:
            meanwhile.enter_context(self._budget.request(self._endpoint))
            log.info("%s: a request is unusually slow and is sent a second time", self._endpoint)
            return self._jobs.submit(request)
        except FleetError as error:
            log.info("%s: no hedge: %s", self._endpoint, error)
            return None  # the first is running


def _nobody(sent: Sent) -> None:
    """Do nothing: no other process can collect the job."""
