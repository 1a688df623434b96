"""Workers in other processes: each video is handed over, and one whose process dies is tried once more."""

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

from framefleet.cancel import CancelScope
from framefleet.errors import FrameFleetError
from framefleet.executors.base import (
    OpenWorker,
    Outcomes,
    Pending,
    Task,
    VideoOutcome,
    Work,
    Worker,
    as_error,
)
from framefleet.executors.threads import Tell, in_threads
from framefleet.logs import logger
from framefleet.progress import Listener

log = logger(__name__)

TRIES = 2  # of a video whose process dies
END_S = 10.0  # how long a process may take to end beyond its drain, before it is killed


class ProcessDiedError(Exception):
    """A worker's process is gone; the message says how."""


class RemoteWorker(ABC):
    """A worker in another process, which is started when it is needed, and again if it died."""

    @abstractmethod
    def ask(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        """Analyze the video there. Raises `ProcessDiedError`; the process is cleared up by then."""

    @abstractmethod
    def close(self) -> None:
        """End the process."""

    def analyze(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        """Analyze the video there. If its process dies, try once more."""
        began, how = time.perf_counter(), ""
        try:
            for _ in range(TRIES):
                scope.check()
                try:
                    return self.ask(task, listener, scope)
                except ProcessDiedError as error:
                    how = str(error)
                    log.warning("%s: its process died (%s)", task.video, how)
        except Exception as fault:
            log.info("%s: its process is of no use", task.video, exc_info=fault)
            return VideoOutcome(task, time.perf_counter() - began, error=as_error(fault))
        return VideoOutcome(task, time.perf_counter() - began, error=_died(task, how))


def served_elsewhere(
    workers: int,
    open_worker: Callable[[], RemoteWorker],
    pending: Pending,
    work: Work,
    listener: Listener,
    scope: CancelScope,
) -> Outcomes:
    """Yield the outcomes of the pending tasks by so many workers, each watched by a thread of this process."""

    def serve(tell: Tell) -> None:
        with contextlib.closing(open_worker()) as worker:
            while (task := pending.take()) is not None:
                outcome = work.lent(task, workers, scope, lambda lent: worker.analyze(lent, listener, scope))
                tell(pending.ended(outcome))

    yield from in_threads(workers, serve, scope)


class OpenedWorker:
    """A worker in its own process, which is opened for its first task: a failure to is the outcome of that."""

    def __init__(self, open_worker: OpenWorker) -> None:
        self._open_worker = open_worker
        self._stack = contextlib.ExitStack()
        self._work: Worker | None = None

    def __call__(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        """Return the outcome without its document, which the other process reads from the disk."""
        try:
            if self._work is None:
                self._work = self._stack.enter_context(self._open_worker())
            return replace(self._work(task, listener, scope), document=None)
        except Exception as fault:
            log.info("%s: there is no session for it", task.video, exc_info=fault)
            return VideoOutcome(task, error=as_error(fault))

    def close(self) -> None:
        self._stack.close()


def _died(task: Task, how: str) -> FrameFleetError:
    return FrameFleetError(
        f"{task.video}: its process died {TRIES} times ({how})",
        hint="look for the reason in the system's log, such as too little memory; answers are kept",
        code="process_died",
    )
