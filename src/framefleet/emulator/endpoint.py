"""One emulated endpoint: its queue and its workers under one lock. Starts no threads and runs nothing itself."""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from framefleet.emulator import limits
from framefleet.emulator.bill import WorkerBill
from framefleet.emulator.clock import ServiceClock
from framefleet.emulator.endings import HandlerOutcome, ending
from framefleet.emulator.faults import Fault, Faults
from framefleet.emulator.ledger import Content, WorkLedger, digest
from framefleet.emulator.pool import EmulatedWorker, Pool
from framefleet.emulator.queue import (
    OVER,
    JobQueue,
    JobState,
    QueuedJob,
    Terms,
    new_id,
)
from framefleet.emulator.rates import RUNPOD, EndpointRates, Rate
from framefleet.emulator.runners import ProgressKind
from framefleet.timebase import Seconds

log = logging.getLogger("framefleet.emulator")
MOST_DEATHS = 3  # workers that may die of one job before it fails; our choice


class RunningJob(NamedTuple):
    """A job as a worker took it; the job itself may be cancelled, and emptied, at any time."""

    job: QueuedJob
    input: Content
    faults: frozenset[Fault]


class EmulatedEndpoint:
    """An endpoint. Safe to call from many threads. `on_hire` is called for each worker that starts, and must run it."""

    def __init__(
        self,
        pool: Pool,
        clock: ServiceClock,
        faults: Faults | None = None,
        rates: Mapping[str, Rate] = RUNPOD,
        name: str = "",
    ) -> None:
        self.name = name
        self.clock = clock
        self.faults = faults or Faults()
        self.rates = EndpointRates(rates, clock)
        self.ledger = WorkLedger()
        self.on_hire: Callable[[EmulatedWorker], None] = _nobody
        self._pool = pool
        self._queue = JobQueue(clock)
        self._submissions: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._closed = False

    @property
    def bill(self) -> WorkerBill:
        return self._pool.bill

    # The operations of the service's clients. They return the bodies of responses; None is 404.

    def submit(self, input: Content, terms: Terms, *, sync: bool = False) -> str:
        """Accept a job and return its id. `sync`: by `runsync`, which shows in the id."""
        subject = self._subject(input)
        with self._changed:
            self._sweep()
            job = QueuedJob(input, self.clock(), terms, self.faults.of_job(subject), subject, new_id(sync=sync))
            self._queue.submit(job)
            self._hire()
            return job.id

    def status(self, id: str) -> dict[str, Any] | None:
        with self._changed:
            self._sweep()
            job = self._queue.get(id)
            if job is None or (Fault.FRESH in job.faults and self.clock() < job.submitted + limits.FRESH_S):
                return None
            return job.told()

    def when_over(self, id: str, call: Callable[[], None]) -> None:
        """Call `call` as soon as the job is over or gone, perhaps in another thread; at once if it is already."""
        with self._changed:
            job = self._queue.get(id)
            if job is not None and job.state not in OVER:
                job.on_over.append(call)
                return
        call()

    def stream(self, id: str) -> dict[str, Any] | None:
        """Return what the job's handler has yielded since the last call."""
        with self._changed:
            self._sweep()
            job = self._queue.get(id)
            if job is None:
                return None
            parts, job.streamed = job.streamed, []
            return {"status": job.state, "stream": [{"output": msgspec.Raw(part)} for part in parts]}

    def cancel(self, id: str) -> dict[str, Any] | None:
        with self._changed:
            self._sweep()
            job = self._queue.get(id)
            if job is None:
                return None
            self._queue.cancel(job)
            self._changed.notify_all()
            return {"id": job.id, "status": job.state}

    def retry(self, id: str) -> dict[str, Any] | None:
        """Queue a job that FAILED or TIMED_OUT again; return an `error` for any other."""
        with self._changed:
            self._sweep()
            job = self._queue.get(id)
            if job is None:
                return None
            if not self._queue.retry(job, self.faults.of_job(job.subject)):
                return {"error": f"job is {job.state}; only FAILED and TIMED_OUT ones can be retried"}
            self._hire()
            return {"id": job.id, "status": job.state}

    def purge(self) -> dict[str, Any]:
        with self._changed:
            self._sweep()
            return {"removed": self._queue.purge(), "status": "completed"}

    def health(self) -> dict[str, Any]:
        with self._changed:
            self._sweep()
            return {"jobs": self._queue.counts(), "workers": self._pool.counts()}

    def subject_of(self, id: str) -> str:
        """Return the name of a job that decides about its faults."""
        with self._changed:
            job = self._queue.get(id)
            return "unknown" if job is None else job.subject

    # The calls of the threads that run the workers.

    def open(self) -> None:
        """Start the workers that are always up."""
        with self._changed:
            self._hire()

    def next(self, worker: EmulatedWorker) -> RunningJob | None:
        """Wait for a job for this worker and return it; None when the worker has stopped."""
        with self._changed:
            while not worker.stopped:
                task = self._take(worker)
                if task is not None:
                    return task
                self._changed.wait(self._wait(worker))
            return None

    def take(self, worker: EmulatedWorker) -> RunningJob | None:
        """Return a job for this worker, whose handler must be loaded, if there is one now."""
        with self._changed:
            return self._take(worker)

    def tell(self, worker: EmulatedWorker, job: QueuedJob, part: ProgressKind, content: bytes) -> None:
        """Take a part of the output of a running job, as JSON. Late parts are dropped."""
        with self._changed:
            if worker.stopped or job.state is not JobState.IN_PROGRESS or job.worker_id != worker.id:
                return
            if part is ProgressKind.STREAMED:
                job.streamed.append(content)
            else:
                job.output = content

    def conclude(self, worker: EmulatedWorker, job: QueuedJob, outcome: HandlerOutcome | None) -> None:
        """Take the outcome of a job; None if the worker died of it. The worker stays busy until `release`."""
        with self._changed:
            self._sweep()
            worker.refresh = outcome is not None and outcome.refresh
            if worker.stopped or job.state is not JobState.IN_PROGRESS or job.worker_id != worker.id:
                return
            coin = self.faults.coin(job.subject)
            if outcome is None or Fault.KILLED in job.faults:
                self._died(worker, job, goes_back=outcome is None or coin)
            else:
                self._queue.end(job, *ending(outcome, job.faults, coin))
            log.info("%s %s", self.name, _line(job))

    def release(self, worker: EmulatedWorker) -> None:
        """Mark the worker as free again."""
        with self._changed:
            if not worker.stopped:
                self._pool.release(worker)
            self._sweep()
            self._changed.notify_all()

    def linger(self, worker: EmulatedWorker, job: QueuedJob, seconds: Seconds) -> None:
        """Make a job take longer, unless it is cancelled meanwhile."""
        until = self.clock() + seconds
        with self._changed:
            while job.state is JobState.IN_PROGRESS and not worker.stopped and (left := until - self.clock()) > 0:
                self._changed.wait(self.clock.real(left))

    def cannot_load(self, worker: EmulatedWorker) -> bool:
        """Mark the worker as unhealthy for a while. Return whether it should try again, unless it stopped meanwhile."""
        until = self.clock() + limits.RESTART_S
        with self._changed:
            worker.broken = True
            while not worker.stopped and (left := until - self.clock()) > 0:
                self._changed.wait(self.clock.real(left))
            return not worker.stopped

    def block(self, *, throttled: int = 0, unhealthy: int = 0) -> None:
        """Make so many workers unable to start, because no GPU is free for them, or they crash."""
        with self._changed:
            self._pool.block(throttled, unhealthy)
            self._hire()

    def close(self) -> None:
        """Stop every worker, without waiting for running jobs."""
        with self._changed:
            self._closed = True
            self._pool.close()
            self._changed.notify_all()

    # Called with the lock held.

    def _take(self, worker: EmulatedWorker) -> RunningJob | None:
        self._pool.loaded(worker)
        self._sweep()
        while self._pool.ready(worker) and (job := self._queue.take(worker.id)) is not None:
            if Fault.LOST in job.faults:
                self._queue.forget(job)
                continue
            if Fault.STUCK in job.faults:
                continue
            worker.job = job
            return RunningJob(job, job.input, job.faults)
        return None

    def _wait(self, worker: EmulatedWorker) -> Seconds | None:
        """Return the real seconds until an idle worker's state changes by itself; None: only a call can change it."""
        now = self.clock()
        if worker.ready_at > now:
            return self.clock.real(worker.ready_at - now)
        leaves = self._pool.leaves_at(worker) if len(self._pool.up) > self._pool.least else None
        return None if leaves is None else self.clock.real(max(0.0, leaves - now))

    def _sweep(self) -> None:
        for job, at in self._queue.sweep():
            for worker in [worker for worker in self._pool.up if worker.job is job]:
                self._pool.stop(worker, at)
                self._changed.notify_all()
        self._pool.sweep()
        self._hire()

    def _hire(self) -> None:
        if self._closed:
            return
        for worker in self._pool.hire(self._queue.waiting):
            self.on_hire(worker)
        if self._queue.waiting:
            self._changed.notify_all()

    def _died(self, worker: EmulatedWorker, job: QueuedJob, *, goes_back: bool) -> None:
        self._pool.stop(worker, self.clock())
        if not goes_back:
            self._queue.forget(job)
        elif job.deaths < MOST_DEATHS:
            self._queue.put_back(job)
        else:
            self._queue.end(job, JobState.FAILED, error="the worker died, each time it tried")
        self._hire()

    def _subject(self, input: Content) -> str:
        """Return a name for these bytes and how often they were submitted; empty if no faults are possible."""
        if not self.faults.possible:
            return ""
        name = digest(input)
        with self._changed:
            self._submissions[name] += 1
            return f"{name}.{self._submissions[name]}"


def _nobody(worker: EmulatedWorker) -> None: ...


def _line(job: QueuedJob) -> str:
    waited, took = job.started - job.submitted, job.finished - job.started
    times = f"waited {waited:.2f} s, took {took:.2f} s" if job.finished else f"waited {waited:.2f} s"
    return f"{job.id} {job.state} on {job.worker_id}: {times}" + (f" ({job.error})" if job.error else "")
