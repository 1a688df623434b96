"""Asking one request of one endpoint: within its limits and the budget, hedged if wished, the charge noted."""

import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any

import msgspec

from framefleet.errors import (
    BudgetError,
    FleetError,
    FrameFleetError,
    JobFailedError,
    JobLostError,
    NotDoneError,
    RateLimitedError,
)
from framefleet.fleet.backend import Backend, Done, Job, Receipt
from framefleet.fleet.budget import Budget
from framefleet.fleet.exchange import Charge
from framefleet.fleet.hedge import Hedge
from framefleet.fleet.ledger import Ledger
from framefleet.fleet.limits import Level
from framefleet.fleet.meter import Meter
from framefleet.units import Seconds
from framefleet.wire.common import Probe

JOB_TIMEOUT_S = 4000.0  # beyond the time to live that a job is sent with, so the service speaks first
RACE_S = 0.05  # between two looks at racing jobs
CANCEL_S = 20.0  # how long a run's end may take to cancel its jobs; what is left ends by its time to live
CANCEL_TRIES = 3


class Asker:
    """One for a stage's endpoint, shared by all its threads."""

    def __init__(
        self,
        backend: Backend,
        endpoint: str,
        *,
        began: Seconds,
        level: Level,
        budget: Budget | None = None,
        hedge: Hedge | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._backend = backend
        self._endpoint = endpoint
        self._began = began
        self._level = level
        self._budget = budget or Budget(None)
        self._hedge = hedge
        self._ledger = ledger
        self._moved: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._probes: list[tuple[Job, Seconds]] = []
        self._ended = threading.Event()
        self._cancelled = False
        self._error: FrameFleetError | None = None
        self.charges: list[Charge] = []
        self.meter = Meter()  # requests that are being asked

    @property
    def in_flight(self) -> int:
        """Jobs that the service has and has not answered."""
        with self._lock:
            return len(self._jobs)

    @property
    def at_once(self) -> int:
        """How many requests are asked at once, as things stand."""
        return self._level.limit

    def on_answer(self, moved: Callable[[], None]) -> None:
        """`moved` is called after each answer."""
        self._moved = moved

    def ask(self, request: msgspec.Struct, sent: Callable[[Job], None]) -> Any:
        """The output of `request`; `sent` is told its job if another process can ask after it. Raises `FleetError`."""
        with self._level.slot() as held, self.meter.working():
            if self._error is not None:
                raise self._error
            self._budget.begin(self._endpoint)
            try:
                done = self._served(request, sent)
            except RateLimitedError:
                self._level.refused()
                raise
            finally:
                self._budget.end(self._endpoint)
        self._level.answered(done.receipt, held)
        self._moved()
        return done.output

    def attend(self, job_id: str) -> Any:
        """The output of a job that another run submitted. Raises `FleetError`."""
        if not self._backend.lasting:
            raise JobLostError(f"{self._endpoint}: job {job_id} went with its process")
        job = self._backend.attach(self._endpoint, job_id)
        self._enlist(job)
        try:
            if self._error is not None and not isinstance(self._error, BudgetError):
                raise self._error  # else it would be waited for after the end, which has cancelled what there was
            done = self._wait(job, None, JOB_TIMEOUT_S)
        finally:
            self._over(job)
        self._moved()
        return done.output

    def wake(self, workers: int) -> None:
        """Sends so many probes and waits for none. Raises `FleetError`."""
        for _ in range(workers):
            submitted_s = self._now()
            self._probes.append((self._backend.submit(self._endpoint, Probe()), submitted_s))

    def settle(self) -> None:
        """What the probes cost is counted, and those that still wait are cancelled: nobody needs them any more."""
        while self._probes:
            job, submitted_s = self._probes.pop()
            try:
                self._wait(job, submitted_s, 0)
            except FleetError as error:
                if not error.job_over:
                    self._cancel(job)

    def sleep(self, seconds: Seconds) -> None:
        """Waits. Raises the error that ended the stage, as soon as one does."""
        if self._ended.wait(seconds) and self._error is not None:
            raise self._error

    def end(self, error: FrameFleetError) -> None:
        """From now on every `ask` raises `error`; the jobs that the service has are cancelled.

        But where it was the budget that ended: what is under way was counted in, and its answers are worth having.
        """
        with self._lock:
            self._error = self._error or error
            self._ended.set()
            if isinstance(error, BudgetError) or self._cancelled:
                return
            self._cancelled = True
            jobs = [*self._jobs.values(), *(job for job, _ in self._probes)]
        until = perf_counter() + CANCEL_S
        for job in jobs:
            if perf_counter() < until:  # a network that is away would cost each of them its timeout
                self._cancel(job)

    def _served(self, request: msgspec.Struct, sent: Callable[[Job], None]) -> Done:
        submitted_s = self._now()
        job = self._submit(request)
        try:
            if self._backend.lasting:
                sent(job)
            done = self._first(request, job, submitted_s)
        finally:
            self._over(job)
        if self._hedge is not None:
            self._hedge.answered(self._now() - submitted_s)
        return done

    def _first(self, request: msgspec.Struct, job: Job, submitted_s: Seconds) -> Done:
        """The job's output, or that of a second sending of the same request if that comes first."""
        after_s = self._hedge.after_s() if self._hedge is not None else None
        if after_s is None:
            return self._wait(job, submitted_s, JOB_TIMEOUT_S)
        try:
            return self._wait(job, submitted_s, after_s)
        except NotDoneError:
            if self._hedge is None or not self._hedge.take():
                return self._wait(job, submitted_s, JOB_TIMEOUT_S)
        again_s = self._now()
        return self._race([(job, submitted_s), (self._submit(request), again_s)])

    def _race(self, running: list[tuple[Job, Seconds]]) -> Done:
        """The first output of several jobs for one request. The others are cancelled, and what they cost is counted."""
        last: FleetError = JobFailedError(f"{self._endpoint}: no job was left to wait for")
        while running:
            for job, submitted_s in list(running):
                try:
                    done = self._wait(job, submitted_s, 0)
                except NotDoneError:
                    continue
                except FleetError as error:
                    last = error
                    running.remove((job, submitted_s))
                    self._over(job)
                    continue
                running.remove((job, submitted_s))
                self._over(job)
                for loser in running:
                    self._lose(*loser)
                return done
            self.sleep(RACE_S)
        raise last

    def _lose(self, job: Job, submitted_s: Seconds) -> None:
        """Cancels the job; counted is what the service says it cost, or where it says nothing, all of its time."""
        self._over(job)
        self._cancel(job)
        try:
            self._wait(job, submitted_s, 0, hedged=True)
        except FleetError as error:
            if error.receipt is None:
                ran_ms = (self._now() - submitted_s) * 1000
                self._charge(job, Charge(submitted_s, Receipt(f"hedged {job.id}", 0, ran_ms), hedged=True))

    def _wait(self, job: Job, submitted_s: Seconds | None, timeout_s: Seconds, *, hedged: bool = False) -> Done:
        """The job's output. What it cost is counted, also where it failed. Raises `FleetError`."""
        try:
            done = self._backend.wait(job, timeout_s)
        except FleetError as error:
            if error.receipt is not None and error.receipt.execution_ms > 0:  # or no worker ever had it
                self._charge(job, Charge(submitted_s, error.receipt, hedged=hedged))
            raise
        gpu = done.output.get("gpu") if isinstance(done.output, dict) else None
        self._charge(job, Charge(submitted_s, done.receipt, gpu if isinstance(gpu, str) else None, hedged))
        return done

    def _submit(self, request: msgspec.Struct) -> Job:
        job = self._backend.submit(self._endpoint, request)
        self._enlist(job)
        if self._cancelled:  # ended while it was being submitted; unless it is done already, it ends as cancelled
            self._cancel(job)
        return job

    def _enlist(self, job: Job) -> None:
        with self._lock:
            self._jobs[job.id] = job

    def _over(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job.id, None)

    def _cancel(self, job: Job) -> None:
        for _ in range(CANCEL_TRIES):
            try:
                return self._backend.cancel(job)
            except RateLimitedError:
                continue  # the backend holds off by itself
            except FleetError:
                return None  # it ends by its time to live
        return None

    def _charge(self, job: Job, charge: Charge) -> None:
        with self._lock:
            self.charges.append(charge)
        if self._ledger is not None:
            self._ledger.add(job.id, charge)
        self._budget.add(self._endpoint, charge)

    def _now(self) -> Seconds:
        return perf_counter() - self._began
