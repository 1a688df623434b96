"""Asking one request of one endpoint: within its limits and the budget, and a second time if wished and slow."""

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

JOB_TIMEOUT_S = 4000.0  # beyond the time to live that a job is sent with, so the service speaks first


class EndpointClient:
    """One for a stage's endpoint, shared by all its threads."""

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
        """Without a `breaker` it is never asked whether an endpoint is worth asking. `scope` is the stage's."""
        self.scope = scope or CancelScope()
        self._backend = backend
        self._endpoint = endpoint
        self._level = level
        self._budget = budget or Budget(None)
        self._hedge = hedge
        self._breaker = breaker or Breaker(endpoint, inf, inf)
        self._mine = threading.local()  # `held`: how many places were in use when this thread got its own
        self._resting = BusyTimer()
        self._jobs = Jobs(backend, endpoint, began=began, budget=self._budget, ledger=ledger, scope=self.scope)
        self._moved: Callable[[], None] = lambda: None
        self._probes: list[Sent] = []
        self._held_before_s = backend.held_s(endpoint)
        self.meter = BusyTimer()  # requests that are being asked

    @property
    def charges(self) -> list[JobUsage]:
        """What all jobs were charged that are known to be over; grows."""
        return self._jobs.charges

    @property
    def sending(self) -> list[Seconds]:
        """How long each job took to be accepted; grows."""
        return self._jobs.sending

    @property
    def held_s(self) -> Seconds:
        """What calls of the service together waited for their turn since the stage began."""
        return self._backend.held_s(self._endpoint) - self._held_before_s

    @property
    def in_flight(self) -> int:
        """Jobs that the service has and has not answered, probes aside."""
        return self._jobs.in_flight

    @property
    def unheard(self) -> int:
        """Jobs that this run submitted and that are not known to be over."""
        return self._jobs.unheard

    @property
    def at_once(self) -> int:
        """How many requests are asked at once, as things stand."""
        return self._level.limit

    @property
    def busy(self) -> bool:
        """Whether anything is wanted of the endpoint: asked, at work there, or to be asked again in a moment."""
        return self.in_flight > 0 or self.meter.open > 0 or self._resting.open > 0

    @property
    def failed(self) -> Counter[str]:
        """How many requests were paid for in vain, by the reason."""
        return self._breaker.failed

    def on_answer(self, moved: Callable[[], None]) -> None:
        """`moved` is called when a worker has answered, or has failed to."""
        self._moved = moved

    @contextmanager
    def place(self) -> Iterator[int | None]:
        """A place in the level, for a request until what it is answered is judged: the error raised in it says that.

        Gives None, or the number of the trial that it is: what is asked then is to be about one piece alone. Raises the
        error that ended the stage.
        """
        with self._level.slot(self.scope) as held, self.meter.working(), self._breaker.request(self._moved) as trial:
            self._mine.held = held
            try:
                yield trial
            finally:
                self._mine.held = None

    def ask(self, request: msgspec.Struct, note: Callable[[Sent], None], known: Sent | None = None) -> Any:
        """The output of `request`; `note` is told its job if another process can ask after it. Raises `FleetError`.

        `known` is a job for it that is not known to be over: it is asked after, and nothing sent. Takes a place where
        the thread has none.
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
        """The output of a job that another run submitted. Raises `FleetError`."""
        if not self._backend.capabilities.durable:
            raise JobLostError(f"{self._endpoint}: job {job_id} went with its process")
        sent = Sent(self._backend.attach(self._endpoint, job_id), None)
        self._jobs.enlist(sent)
        try:
            self.scope.check(under_way=True)  # else it would be waited for after the end, which cancelled all there was
            done = self._jobs.wait(sent, JOB_TIMEOUT_S)
        finally:
            self._jobs.over(sent)
        self._moved()
        return done.output

    def wake(self, workers: int) -> None:
        """Sends so many probes and waits for none. Raises `FleetError`."""
        for _ in range(workers):
            self._probes.append(self._jobs.submit(Probe()))
            self._jobs.over(self._probes[-1])

    def drain(self) -> None:
        """Cancels the jobs that the service has, where the scope is closing, and waits for ids that are on their way.

        Where the scope is not, as after a budget's end, what is under way was counted in, and its answers are worth
        having.
        """
        if self.scope.closing:
            self._jobs.cancel_all(also=[probe.job for probe in self._probes])

    def settle(self) -> None:
        """What the probes cost is counted, and those that still wait are cancelled: nobody needs them any more."""
        while self._probes:
            probe = self._probes.pop()
            try:
                self._jobs.wait(probe, 0)
            except FleetError as error:
                log.debug("%s: probe %s: %s", self._endpoint, probe.job.id, error)
                if not error.job_over:
                    self._jobs.cancel(probe.job)

    def rest(self, seconds: Seconds) -> None:
        """Waits before asking again. Raises the error that ended the stage, as soon as one does."""
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
        """The job's output, or that of a second sending of the same request if that comes first."""
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
        """Another job for the request, in the budget `meanwhile`; None where there is to be none or none can be had."""
        if self.scope.cancelled or self._hedge is None or not self._hedge.take():
            return None
        try:
            meanwhile.enter_context(self._budget.request(self._endpoint))
            log.info("%s: a request takes unusually long and is sent a second time", self._endpoint)
            return self._jobs.submit(request)
        except FleetError as error:
            log.info("%s: no second sending: %s", self._endpoint, error)
            return None  # the first is at work


def _nobody(sent: Sent) -> None:
    """No other process can ask after the job."""
