"""Many videos in processes of their own: if one is killed, the others do not notice."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from typing import Any

from framefleet.cancel import DRAIN_S, CancelScope
from framefleet.errors import CancelledError, FrameFleetError
from framefleet.executors.base import (
    TRIES,
    WATCH_S,
    Executor,
    OpenWorker,
    Outcomes,
    Pending,
    Task,
    VideoOutcome,
    Work,
    Worker,
    died,
)
from framefleet.logs import logger
from framefleet.progress import Event, Listener

log = logger(__name__)

END_S = 10.0  # how long a process may take to end beyond its drain, before it is killed


class Slots(Executor):
    """So many processes (slots), each with a session, models and connections of its own.

    They divide the limits of each endpoint among them. A slot whose process was killed gets a new one.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots

    def run(self, pending: Pending, work: Work, listener: Listener, scope: CancelScope) -> Outcomes:
        done = SimpleQueue[VideoOutcome]()
        open_worker = work.elsewhere(self._slots)

        def serve() -> None:
            with contextlib.closing(Slot(open_worker)) as slot:
                while (task := pending.take()) is not None:
                    outcome = work.lent(task, self._slots, scope, lambda lent: slot.analyze(lent, listener, scope))
                    done.put(pending.ended(outcome))

        threads = [threading.Thread(target=serve, name=f"slot-{n}", daemon=True) for n in range(self._slots)]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads) or not done.empty():
                with contextlib.suppress(Empty):
                    yield done.get(timeout=WATCH_S)
        finally:
            if any(thread.is_alive() for thread in threads):
                scope.cancel()
            for thread in threads:
                thread.join()


class Slot:
    """A process that analyzes one video after the other, started when it is needed."""

    def __init__(self, open_worker: OpenWorker) -> None:
        self._open_worker = open_worker
        self._process: Any = None
        self._pipe: Connection | None = None

    def analyze(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        """Analyze the video in the process. If that is killed, try once more in a new one."""
        began, code = time.perf_counter(), None
        for _ in range(TRIES):
            try:
                scope.check()
                return self._analyzed(task, listener, scope)
            except (EOFError, OSError):
                code = self._over()
                log.warning("%s: the process of its slot died (%s)", task.video, code)
            except FrameFleetError as error:
                return VideoOutcome(task, time.perf_counter() - began, error=error)
        return VideoOutcome(task, time.perf_counter() - began, error=died(task, f"exit code {code}"))

    def close(self) -> None:
        """End the process."""
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.send(None)
            self._process.join(END_S)
            self._over()

    def _analyzed(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        """Raises `EOFError` or `OSError` if the process dies."""
        pipe, told, until = self._started(), False, 0.0
        pipe.send(task)
        while True:
            while pipe.poll(WATCH_S):
                said = pipe.recv()
                if isinstance(said, VideoOutcome):
                    return said
                listener(said)
            if scope.closing and not told:
                told, until = True, time.monotonic() + scope.drain_left_s + END_S
                pipe.send((scope.error, scope.drain_left_s))
            if told and time.monotonic() > until:
                self._process.kill()  # its answers are in the journal

    def _started(self) -> Connection:
        if self._pipe is None:
            context = multiprocessing.get_context("spawn")  # a fork would copy the locks of other threads
            self._pipe, there = context.Pipe()
            self._process = context.Process(target=_serve, args=(there, self._open_worker), daemon=True)
            self._process.start()
            there.close()
        return self._pipe

    def _over(self) -> int | None:
        """Clear up after the process, and return its exit code."""
        if self._pipe is None:
            return None
        self._pipe.close()
        self._process.kill()
        self._process.join()
        self._pipe, code = None, self._process.exitcode
        return int(code)


def _serve(pipe: Connection, open_worker: OpenWorker) -> None:
    """Analyze the videos of a slot, until it sends None or is gone. This runs in the slot's own process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that the user started
    telling, worker = threading.Lock(), _Opened(open_worker)
    scope = CancelScope()

    def tell(what: Event | VideoOutcome) -> None:
        with telling, contextlib.suppress(OSError):
            pipe.send(what)

    with contextlib.suppress(EOFError, OSError):
        while (said := pipe.recv()) is not None:
            if isinstance(said, Task):
                scope = CancelScope()
                threading.Thread(target=lambda task, scope: tell(worker(task, tell, scope)), args=(said, scope)).start()
            else:
                error, drain_s = said
                scope.cancel(error, drain_s=drain_s)
        worker.close()
        return
    scope.cancel(CancelledError("the process that started this one is gone"), drain_s=DRAIN_S)
    worker.close()
    os._exit(1)


class _Opened:
    """A worker that is opened for its first task; a failure to open it is the task's outcome."""

    def __init__(self, open_worker: OpenWorker) -> None:
        self._open_worker = open_worker
        self._stack = contextlib.ExitStack()
        self._work: Worker | None = None

    def __call__(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        try:
            if self._work is None:
                self._work = self._stack.enter_context(self._open_worker())
            return replace(self._work(task, listener, scope), document=None)
        except FrameFleetError as error:
            return VideoOutcome(task, error=error)

    def close(self) -> None:
        self._stack.close()
