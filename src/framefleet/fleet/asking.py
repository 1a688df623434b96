"""Asking one request of one endpoint: within its limits and the budget, hedged if wished, the charge noted."""

import threading
from collections.abc import Callable
from time import perf_counter
from typing import Any

import msgspec

from framefleet.errors import BudgetError, FleetError, FrameFleetError, JobFailedError, NotDoneError, RateLimitedError
from framefleet.fleet.backend import Backend, Done, Job, Receipt
from framefleet.fleet.budget import Budget
from framefleet.fleet.exchange import Charge
from framefleet.fleet.hedge import Hedge
from framefleet.fleet.limits import Level
from framefleet.units import Seconds

JOB_TIMEOUT_S = 4000.0  # beyond the time to live that a job is sent with, so the service speaks first
RACE_S = 0.05  # how long one of two racing jobs is waited for before the other is looked at


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
        usd_per_s: float = 0.0,
        hedge: Hedge | None = None,
    ) -> None:
        self._backend = backend
        self._endpoint = endpoint
        self._began = began
        self._level = level
        self._budget = budget or Budget(None)
        self._usd_per_s = usd_per_s
        self._hedge = hedge
        self._moved: Callable[[], None] = lambda: None
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._ended = threading.Event()
        self._error: FrameFleetError | None = None
        self.charges: list[Charge] = []

    @property
    def in_flight(self) -> int:
        """Jobs that the service has and has not answered."""
        with self._lock:
            return len(self._jobs)

    def on_answer(self, moved: Callable[[], None]) -> None:
        """`moved` is called after each answer."""
        self._moved = moved

    def ask(self, request: msgspec.Struct, sent: Callable[[Job], None]) -> Any:
        """The output of `request`; `sent` is told its job as soon as there is one. Raises `FleetError`."""
        with self._level.slot() as held:
            if self._error is not None:
                raise self._error
            self._budget.begin(self._endpoint, self._usd_per_s)
            charge = None
            try:
                done, charge = self._served(request, sent)
            except RateLimitedError:
                self._level.refused()
                raise
            finally:
                self._budget.end(self._endpoint, charge)
        self._level.answered(done.receipt, held)
        self._moved()
        return done.output

    def attend(self, job: Job) -> Any:
        """The output of a job that an earlier run submitted. Raises `FleetError`."""
        submitted_s = self._now()
        done = self._backend.wait(job, JOB_TIMEOUT_S)
        self._charge(Charge(submitted_s, done.receipt))
        self._moved()
        return done.output

    def sleep(self, seconds: Seconds) -> None:
        """Waits, unless the stage is ended."""
        self._ended.wait(seconds)

    def end(self, error: FrameFleetError) -> None:
        """From now on every `ask` raises `error`; the jobs that the service has are cancelled.

        But where it was the budget that ended: what is under way was counted in, and its answers are worth having.
        """
        self._error = self._error or error
        self._ended.set()
        if isinstance(error, BudgetError):
            return
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            self._cancel(job)

    def _served(self, request: msgspec.Struct, sent: Callable[[Job], None]) -> tuple[Done, Charge]:
        submitted_s = self._now()
        job = self._submit(request)
        try:
            sent(job)
            done = self._first(request, job, submitted_s)
        finally:
            self._over(job)
        charge = Charge(submitted_s, done.receipt)
        self._charge(charge)
        if self._hedge is not None:
            self._hedge.answered(self._now() - submitted_s)
        return done, charge

    def _first(self, request: msgspec.Struct, job: Job, submitted_s: Seconds) -> Done:
        """The job's output, or that of a second sending of the same request if that comes first."""
        after_s = self._hedge.after_s() if self._hedge is not None else None
        if after_s is None:
            return self._backend.wait(job, JOB_TIMEOUT_S)
        try:
            return self._backend.wait(job, after_s)
        except NotDoneError:
            if self._hedge is None or not self._hedge.take():
                return self._backend.wait(job, JOB_TIMEOUT_S)
        return self._race([job, self._submit(request)], submitted_s)

    def _race(self, jobs: list[Job], submitted_s: Seconds) -> Done:
        """The first output of several jobs for one request. The others are cancelled, and what they cost is counted."""
        last: FleetError = JobFailedError(f"{self._endpoint}: no job was left to wait for")
        running = list(jobs)
        while running:
            for job in list(running):
                try:
                    done = self._backend.wait(job, RACE_S)
                except NotDoneError:
                    continue
                except FleetError as error:
                    last = error
                    running.remove(job)
                    self._over(job)
                    continue
                for loser in running:
                    self._over(loser)
                    if loser is not job:
                        self._cancel(loser)
                        ran_ms = (self._now() - submitted_s) * 1000
                        self._charge(Charge(submitted_s, Receipt(f"hedged {loser.id}", 0, ran_ms)))
                return done
        raise last

    def _submit(self, request: msgspec.Struct) -> Job:
        job = self._backend.submit(self._endpoint, request)
        with self._lock:
            self._jobs[job.id] = job
        if self._error is not None:  # ended while it was being submitted
            self._cancel(job)
            raise self._error
        return job

    def _over(self, job: Job) -> None:
        with self._lock:
            self._jobs.pop(job.id, None)

    def _cancel(self, job: Job) -> None:
        try:
            self._backend.cancel(job)
        except FleetError:
            return  # it ends by its time to live

    def _charge(self, charge: Charge) -> None:
        with self._lock:
            self.charges.append(charge)

    def _now(self) -> Seconds:
        return perf_counter() - self._began
