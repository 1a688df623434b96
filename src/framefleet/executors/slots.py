"""Many videos in processes of their own: if one is killed, the others do not notice."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from framefleet.cancel import DRAIN_S, CancelScope
from framefleet.errors import CancelledError
from framefleet.executors.base import WATCH_S, Executor, OpenWorker, Outcomes, Pending, Task, VideoOutcome, Work
from framefleet.executors.remote import END_S, OpenedWorker, ProcessDiedError, RemoteWorker, served_elsewhere
from framefleet.progress import Event, Listener


class Slots(Executor):
    """So many processes (slots), each with a session, models and connections of its own.

    They divide the limits of each endpoint among them. A slot whose process was killed gets a new one.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots

    def run(self, pending: Pending, work: Work, listener: Listener, scope: CancelScope) -> Outcomes:
        open_slot = partial(Slot, work.elsewhere(self._slots))
        yield from served_elsewhere(self._slots, open_slot, pending, work, listener, scope)


class Slot(RemoteWorker):
    """A process that analyzes one video after the other."""

    def __init__(self, open_worker: OpenWorker) -> None:
        self._open_worker = open_worker
        self._process: Any = None
        self._pipe: Connection | None = None

    def ask(self, task: Task, listener: Listener, scope: CancelScope) -> VideoOutcome:
        pipe, until = self._started(), None
        try:
            pipe.send(task)
            while True:
                if pipe.poll(WATCH_S):  # not all that is there: events may come without end
                    said = pipe.recv()
                    if isinstance(said, VideoOutcome):
                        return said
                    listener(said)
                if scope.closing and until is None:
                    until = time.monotonic() + scope.drain_left_s + END_S
                    pipe.send((scope.error, scope.drain_left_s))
                if until is not None and time.monotonic() > until:
                    self._process.kill()  # its answers are in the journal
        except (EOFError, OSError):
            raise ProcessDiedError(f"exit code {self._over()}") from None

    def close(self) -> None:
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.send(None)
            self._process.join(END_S)
            self._over()

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
    telling, worker = threading.Lock(), OpenedWorker(open_worker)
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
