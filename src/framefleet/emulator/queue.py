"""One endpoint's queue: jobs and the states they go through. Knows neither HTTP nor how a job is run."""

import threading
import uuid
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from framefleet.units import Seconds


class State(StrEnum):
    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"


OVER = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED, State.TIMED_OUT})


@dataclass(slots=True)
class QueuedJob:
    """`input` is the request's JSON as it came; times are seconds of the queue's clock."""

    id: str
    input: bytes
    submitted: Seconds
    state: State = State.IN_QUEUE
    started: Seconds = 0.0
    finished: Seconds = 0.0
    worker_id: str | None = None
    output: Any = None
    error: str | None = None


class JobQueue:
    """First come, first served. Safe to call from many threads; `take` blocks until there is a job or it is closed."""

    def __init__(self, clock: Callable[[], Seconds]) -> None:
        self._clock = clock
        self._jobs: dict[str, QueuedJob] = {}
        self._waiting: deque[QueuedJob] = deque()
        self._changed = threading.Condition()
        self._closed = False

    def submit(self, input: bytes) -> QueuedJob:
        job = QueuedJob(str(uuid.uuid4()), input, self._clock())
        with self._changed:
            self._jobs[job.id] = job
            self._waiting.append(job)
            self._changed.notify()
        return job

    def take(self, worker_id: str) -> QueuedJob | None:
        """The next job, now in progress on that worker; None once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            if self._closed:
                return None
            job = self._waiting.popleft()
            job.state, job.started, job.worker_id = State.IN_PROGRESS, self._clock(), worker_id
            return job

    def complete(self, job: QueuedJob, output: Any) -> None:
        """Ends a job with its handler's output; `{"error": …}` fails it, as on the service."""
        failed = isinstance(output, dict) and "error" in output
        with self._changed:
            if job.state in OVER:
                return
            job.state, job.finished = (State.FAILED if failed else State.COMPLETED), self._clock()
            job.output, job.error = (None, str(output["error"])) if failed else (output, None)
            job.input = b""

    def get(self, id: str) -> QueuedJob | None:
        with self._changed:
            return self._jobs.get(id)

    def cancel(self, id: str) -> QueuedJob | None:
        with self._changed:
            job = self._jobs.get(id)
            if job is not None and job.state not in OVER:
                job.state, job.finished = State.CANCELLED, self._clock()
                if job in self._waiting:
                    self._waiting.remove(job)
            return job

    def counts(self) -> dict[str, int]:
        """Jobs by state, under the names that `health` uses."""
        with self._changed:
            states = Counter(job.state for job in self._jobs.values())
        return {
            "completed": states[State.COMPLETED],
            "failed": states[State.FAILED] + states[State.TIMED_OUT],
            "inProgress": states[State.IN_PROGRESS],
            "inQueue": states[State.IN_QUEUE],
            "retried": 0,
        }

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
