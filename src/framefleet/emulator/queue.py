"""The queue of one endpoint: jobs and their states. Pure but for its clock: no threads, HTTP or handlers."""

import heapq
import itertools
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import msgspec

from framefleet.emulator import limits
from framefleet.emulator.clock import ServiceClock
from framefleet.emulator.faults import UNHARMED, Fault
from framefleet.emulator.ledger import Content
from framefleet.timebase import Seconds


class JobState(StrEnum):
    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


OVER = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED, JobState.TIMED_OUT})
REPEATABLE = frozenset({JobState.FAILED, JobState.TIMED_OUT})


def new_id(*, sync: bool = False) -> str:
    """Return an id in the service's form: with the region that the job runs in, and a prefix for `runsync`."""
    return f"{'sync-' if sync else ''}{uuid.uuid4()}-e1"


@dataclass(frozen=True, slots=True)
class Terms:
    """The limits of a job. `ttl_s` counts from when it was accepted, `kept_s` from its end."""

    execution_timeout_s: Seconds = limits.EXECUTION_TIMEOUT_MS / 1000
    ttl_s: Seconds = limits.TTL_MS / 1000
    kept_s: Seconds = limits.KEPT_AFTER_RUN_S


@dataclass(slots=True, eq=False)
class QueuedJob:
    """A job. `input` is the request's JSON as received, `output` the result's; times are of the queue's clock.

    `subject` names the job for decisions about faults, since its id differs in every run.
    """

    input: Content
    submitted: Seconds
    terms: Terms = Terms()
    faults: frozenset[Fault] = UNHARMED
    subject: str = ""
    id: str = field(default_factory=new_id)
    state: JobState = JobState.IN_QUEUE
    started: Seconds = 0.0
    finished: Seconds = 0.0
    worker_id: str | None = None
    output: bytes | None = None  # until the job is over: its progress
    error: Any = None
    streamed: list[bytes] = field(default_factory=list)  # parts that are not fetched yet
    deaths: int = 0  # workers that died with it
    on_over: list[Callable[[], None]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return the body of `status`. Times in milliseconds."""
        told: dict[str, Any] = {"id": self.id, "status": self.state}
        if self.worker_id is not None:
            told |= {"delayTime": round((self.started - self.submitted) * 1000), "workerId": self.worker_id}
        if self.worker_id is not None and self.state in OVER:
            told["executionTime"] = round((self.finished - self.started) * 1000)
        if self.output is not None:
            told["output"] = msgspec.Raw(self.output)
        if self.error is not None:
            told["error"] = self.error
        return told


class JobQueue:
    """A queue in the order of submission. Callers in several threads must hold a lock."""

    def __init__(self, clock: ServiceClock) -> None:
        self._clock = clock
        self._jobs: dict[str, QueuedJob] = {}
        self._waiting: deque[QueuedJob] = deque()
        self._deadlines: list[tuple[Seconds, int, Callable[[], QueuedJob | None]]] = []
        self._numbers = itertools.count()
        self._ended: Counter[JobState] = Counter()
        self._retried = 0

    def submit(self, job: QueuedJob) -> None:
        self._jobs[job.id] = job
        self._waiting.append(job)
        self._at(job.submitted + job.terms.ttl_s, partial(self._outlived, job.id))

    def take(self, worker_id: str) -> QueuedJob | None:
        """Take the next job, which is then in progress on that worker, and return it; None if none waits."""
        if not self._waiting:
            return None
        job, now = self._waiting.popleft(), self._clock()
        job.state, job.started, job.worker_id = JobState.IN_PROGRESS, now, worker_id
        self._at(now + job.terms.execution_timeout_s, partial(self._overran, job.id, now))
        return job

    def end(self, job: QueuedJob, state: JobState, output: bytes | None = None, error: Any = None) -> None:
        """End a job, unless it is over already."""
        if job.state in OVER or job.id not in self._jobs:
            return
        self._end(job, state, self._clock(), output, error)

    def put_back(self, job: QueuedJob) -> None:
        """Queue a job whose worker died again, in front and without further faults."""
        job.state, job.worker_id, job.output, job.faults = JobState.IN_QUEUE, None, None, UNHARMED
        job.streamed.clear()
        job.deaths += 1
        self._waiting.appendleft(job)
        self._retried += 1

    def forget(self, job: QueuedJob) -> None:
        """Remove the job, so that it is not known any more."""
        self._jobs.pop(job.id, None)
        if job.state is JobState.IN_QUEUE and job in self._waiting:
            self._waiting.remove(job)
        _tell(job)

    def get(self, id: str) -> QueuedJob | None:
        return self._jobs.get(id)

    def cancel(self, job: QueuedJob) -> None:
        if job.state is JobState.IN_QUEUE:
            self._waiting.remove(job)
        self.end(job, JobState.CANCELLED)

    def retry(self, job: QueuedJob, faults: frozenset[Fault]) -> bool:
        """Queue a job that FAILED or TIMED_OUT again, and return whether it was one."""
        if job.state not in REPEATABLE:
            return False
        self._ended[job.state] -= 1
        job.state, job.worker_id, job.faults = JobState.IN_QUEUE, None, faults
        job.output, job.error, job.submitted = None, None, self._clock()
        job.streamed.clear()
        self._retried += 1
        self.submit(job)
        return True

    def purge(self) -> int:
        """Cancel the waiting jobs and return their number. Running ones continue."""
        waiting = list(self._waiting)
        for job in waiting:
            self.cancel(job)
        return len(waiting)

    def sweep(self) -> list[tuple[QueuedJob, Seconds]]:
        """Apply the deadlines that have passed; return the jobs that were stopped on their workers, and when."""
        stopped = []
        while self._deadlines and self._deadlines[0][0] <= self._clock():
            at, _, due = heapq.heappop(self._deadlines)
            job = due()
            if job is not None:
                stopped.append((job, at))
        return stopped

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def counts(self) -> dict[str, int]:
        """Return the number of jobs by state, under the names that `health` uses. Ended ones count for ever."""
        return {
            "completed": self._ended[JobState.COMPLETED],
            "failed": self._ended[JobState.FAILED] + self._ended[JobState.TIMED_OUT],
            "inProgress": sum(job.state is JobState.IN_PROGRESS for job in self._jobs.values()),
            "inQueue": self.waiting,
            "retried": self._retried,
        }

    def _at(self, when: Seconds, due: Callable[[], QueuedJob | None]) -> None:
        heapq.heappush(self._deadlines, (when, next(self._numbers), due))

    def _end(self, job: QueuedJob, state: JobState, at: Seconds, output: bytes | None, error: Any) -> None:
        job.output, job.error, job.finished, job.state = output, error, at, state
        if state not in REPEATABLE:
            job.input = b""
        self._ended[state] += 1
        self._at(at + job.terms.kept_s, partial(self._expired, job.id, at))
        _tell(job)

    # Deadlines name the job by its id: most are never met, and should not keep its bytes in memory until then.

    def _overran(self, id: str, started: Seconds) -> QueuedJob | None:
        job = self._jobs.get(id)
        if job is None or job.state is not JobState.IN_PROGRESS or job.started != started:
            return None
        at = started + job.terms.execution_timeout_s
        self._end(job, JobState.TIMED_OUT, at, None, "job timed out: executionTimeout is over")
        return job

    def _outlived(self, id: str) -> QueuedJob | None:
        job = self._jobs.get(id)
        if job is None or job.state in OVER or job.submitted + job.terms.ttl_s > self._clock():
            return None
        self.forget(job)
        return job if job.state is JobState.IN_PROGRESS else None

    def _expired(self, id: str, finished: Seconds) -> None:
        job = self._jobs.get(id)
        if job is not None and job.state in OVER and job.finished == finished:
            self.forget(job)


def _tell(job: QueuedJob) -> None:
    told, job.on_over = job.on_over, []
    for call in told:
        call()
