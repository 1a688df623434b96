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
MOST_DEATHS = 3  # workers that may die of one job before it is given up; our choice


class RunningJob(NamedTuple):
    """A job as a worker got it: the job itself may be cancelled, and emptied, at any time."""

    job: QueuedJob
    input: Content
    faults: frozenset[Fault]


class EmulatedEndpoint:
    """Safe to call from many threads. `on_hire` is called for each worker that starts and gives it life."""

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

    # What the service's users ask for. All of it is told as the bodies of answers; None is 404.

    def submit(self, input: Content, terms: Terms, *, sync: bool = False) -> str:
        """Accepts a job; its id. `sync`: by `runsync`, which shows in the id."""
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
        """Calls, perhaps in another thread, as soon as the job is over or gone: at once where it is already."""
        with self._changed:
            job = self._queue.get(id)
            if job is not None and job.state not in OVER:
                job.on_over.append(call)
                return
        call()

    def stream(self, id: str) -> dict[str, Any] | None:
        """What the job's handler has given since somebody last asked."""
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
        """Queues a job again that FAILED or TIMED_OUT; `error` for one that did not."""
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
        """What a fault's dice know a job by."""
        with self._changed:
            job = self._queue.get(id)
            return "unknown" if job is None else job.subject

    # What gives the workers life.

    def open(self) -> None:
        """Starts the workers that are always there."""
        with self._changed:
            self._hire()

    def next(self, worker: EmulatedWorker) -> RunningJob | None:
        """Waits for a job for this worker; None when the worker has stopped."""
        with self._changed:
            while not worker.stopped:
                task = self._take(worker)
                if task is not None:
                    return task
                self._changed.wait(self._wait(worker))
            return None

    def take(self, worker: EmulatedWorker) -> RunningJob | None:
        """A job for this worker if there is one now. Its handler is loaded, or it would not ask."""
        with self._changed:
            return self._take(worker)

    def tell(self, worker: EmulatedWorker, job: QueuedJob, part: ProgressKind, content: bytes) -> None:
        """Something of a job that is still running, as JSON. What comes late is dropped."""
        with self._changed:
            if worker.stopped or job.state is not JobState.IN_PROGRESS or job.worker_id != worker.id:
                return
            if part is ProgressKind.STREAMED:
                job.streamed.append(content)
            else:
                job.output = content

    def conclude(self, worker: EmulatedWorker, job: QueuedJob, outcome: HandlerOutcome | None) -> None:
        """What came of running the job; None if the worker died of it. The worker stays busy until `release`."""
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
        """The worker is free again."""
        with self._changed:
            if not worker.stopped:
                self._pool.release(worker)
            self._sweep()
            self._changed.notify_all()

    def linger(self, worker: EmulatedWorker, job: QueuedJob, seconds: Seconds) -> None:
        """Makes a job take longer, unless it is cancelled meanwhile."""
        until = self.clock() + seconds
        with self._changed:
            while job.state is JobState.IN_PROGRESS and not worker.stopped and (left := until - self.clock()) > 0:
                self._changed.wait(self.clock.real(left))

    def cannot_load(self, worker: EmulatedWorker) -> bool:
        """The worker is unhealthy for a while; False if it has stopped meanwhile and should not try again."""
        until = self.clock() + limits.RESTART_S
        with self._changed:
            worker.broken = True
            while not worker.stopped and (left := until - self.clock()) > 0:
                self._changed.wait(self.clock.real(left))
            return not worker.stopped

    def block(self, *, throttled: int = 0, unhealthy: int = 0) -> None:
        """Makes so many workers unable to start: no GPU is free for them, or they crash."""
        with self._changed:
            self._pool.block(throttled, unhealthy)
            self._hire()

    def close(self) -> None:
        """Stops every worker. What runs is not waited for."""
        with self._changed:
            self._closed = True
            self._pool.close()
            self._changed.notify_all()

    # With the lock held.

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
        """Real seconds until something changes for an idle worker by itself; None: only others can change it."""
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
        """A name for these bytes and how often they came; none is needed while nothing goes wrong."""
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
