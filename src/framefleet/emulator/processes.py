"""A worker in a process of its own, with its own memory and its own death, as on the service."""

import contextlib
import multiprocessing
import signal
import threading
from multiprocessing.connection import Connection

from framefleet.emulator.endings import HandlerOutcome
from framefleet.emulator.handlers import load_handler
from framefleet.emulator.ledger import Content
from framefleet.emulator.progress import Progress
from framefleet.emulator.runners import (
    Caller,
    ProgressKind,
    Tell,
    tell_nobody,
)
from framefleet.errors import SetupError


class InProcess:
    """A runner that loads the handler of that name in a new process and sends it the requests."""

    def __init__(self, handler: str) -> None:
        self._handler = handler
        self._stopped = False
        self._busy = True  # loading, or with a request
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def load(self) -> None:
        """Start the process and load the handler there. Raises `SetupError` with the child's reason."""
        context = multiprocessing.get_context("spawn")  # a fork would copy the locks of the server's threads
        here, there = context.Pipe()
        with self._lock:
            if self._stopped:
                return
            self._process = context.Process(target=_serve, args=(there, self._handler), daemon=True)
            self._process.start()
        there.close()
        self._pipe = here
        try:
            trouble = here.recv()
        except EOFError:
            trouble = "its process died while loading"
        if trouble is not None:
            raise SetupError(f"handler {self._handler}: {trouble}")
        self._now_busy(False)

    def run(self, job_id: str, input: Content, tell: Tell = tell_nobody) -> HandlerOutcome | None:
        if self._pipe is None or not self._now_busy(True):
            return None
        try:
            self._pipe.send_bytes(job_id.encode())
            self._pipe.send_bytes(input)
            while not isinstance(said := self._pipe.recv(), HandlerOutcome):
                tell(*said)
        except (EOFError, OSError):
            return None
        self._now_busy(False)
        return said

    def close(self) -> None: ...

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            if self._busy and self._process is not None:
                self._process.kill()
            elif self._pipe is not None:
                self._pipe.close()  # an idle one then exits by itself, and cleans up

    def _now_busy(self, busy: bool) -> bool:
        """Set whether the process is busy, and return whether it still runs."""
        with self._lock:
            self._busy = busy
            if self._stopped and self._pipe is not None:
                self._pipe.close()
            return not self._stopped


def wait_for_all(seconds: float) -> None:
    """Wait so long for each process that was told to exit; the rest end with this process."""
    for process in multiprocessing.active_children():
        process.join(seconds)


def _serve(pipe: Connection, name: str) -> None:
    """Run the child until its parent ends or closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    progress = Progress()  # before the handler imports the package, which then reads the address to post to

    def tell(part: ProgressKind, content: bytes) -> None:
        pipe.send((part, content))

    with contextlib.suppress(EOFError, OSError):
        try:
            caller = Caller(load_handler(name))
        except Exception as error:  # noqa: BLE001 - any error is sent to the parent
            pipe.send(f"{type(error).__name__}: {error}")
            return
        pipe.send(None)
        while True:
            job_id, input = pipe.recv_bytes().decode(), pipe.recv_bytes()
            with progress.of(job_id, tell) as told:
                outcome = caller.run(job_id, input, told)
            pipe.send(outcome)
