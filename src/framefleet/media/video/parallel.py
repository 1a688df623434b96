"""Work on several threads, with results in order and a bound on those that wait."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from framefleet.logs import logger

log = logger(__name__)

Task = TypeVar("Task")
Piece = TypeVar("Piece")

MAX_WAITING_BYTES = 128 << 20


class StoppedError(Exception):
    """Raised in a task when its pieces are no longer needed."""


class _Shared:
    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.waiting = 0  # bytes of pieces that are not consumed yet
        self.stopped = False


class Outlet(Generic[Piece]):
    """A queue for the pieces of one task, which blocks while too many bytes wait.

    The task whose turn it is may always add one.
    """

    def __init__(self, shared: _Shared) -> None:
        self._shared = shared
        self._pieces: deque[tuple[Piece, int]] = deque()
        self._is_first = False
        self._ended = False
        self._fault: BaseException | None = None

    def put(self, piece: Piece, size: int) -> None:
        shared = self._shared
        with shared.changed:
            shared.changed.wait_for(lambda: shared.stopped or self._may_put(size))
            if shared.stopped:
                raise StoppedError
            self._pieces.append((piece, size))
            shared.waiting += size
            shared.changed.notify_all()

    def _may_put(self, size: int) -> bool:
        return self._shared.waiting + size <= MAX_WAITING_BYTES or (self._is_first and not self._pieces)

    def end(self, fault: BaseException | None) -> None:
        with self._shared.changed:
            self._ended, self._fault = True, fault
            self._shared.changed.notify_all()

    def drain(self) -> Iterator[Piece]:
        """Yield all pieces as they come. Raises what the task raised."""
        shared = self._shared
        with shared.changed:
            self._is_first = True
            shared.changed.notify_all()
        while True:
            with shared.changed:
                shared.changed.wait_for(lambda: self._pieces or self._ended)
                if not self._pieces:
                    break
                piece, size = self._pieces.popleft()
                shared.waiting -= size
                shared.changed.notify_all()
            yield piece
        if self._fault is not None:
            raise self._fault


def run_parallel(
    tasks: Iterable[Task],
    work: Callable[[Task, Outlet[Piece]], None],
    *,
    threads: int,
    size_of: Callable[[Task], int],
    max_size: int,
) -> Iterator[Piece]:
    """Yield the pieces of all `tasks`, in their order, made by `work` on that many threads.

    Takes two tasks per thread, and no more while those taken are together larger than `max_size`; takes none while the
    iterator is not advanced. Raises what `work` raises, in place of its pieces.
    """
    shared = _Shared()
    under_way: deque[tuple[Task, Outlet[Piece]]] = deque()
    reading = iter(tasks)
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        try:
            more = True
            while more or under_way:
                while more and len(under_way) < 2 * threads and sum(size_of(task) for task, _ in under_way) < max_size:
                    task = next(reading, None)
                    if task is None:
                        more = False
                        break
                    outlet: Outlet[Piece] = Outlet(shared)
                    under_way.append((task, outlet))
                    pool.submit(_run, work, task, outlet)
                if under_way:
                    yield from under_way[0][1].drain()
                    under_way.popleft()
        finally:
            with shared.changed:
                shared.stopped = True
                shared.changed.notify_all()
            pool.shutdown(wait=True, cancel_futures=True)


def _run(work: Callable[[Task, Outlet[Piece]], None], task: Task, outlet: Outlet[Piece]) -> None:
    fault: BaseException | None = None
    try:
        work(task, outlet)
    except BaseException as error:  # raised again where the pieces are consumed
        if not isinstance(error, StoppedError):
            log.debug("a decoder failed", exc_info=error)
        fault = error
    outlet.end(fault)
