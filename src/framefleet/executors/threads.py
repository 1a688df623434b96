"""Many videos in threads of this process, which share its models, connections, limits and budget."""

import contextlib
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from framefleet.cancel import CancelScope
from framefleet.executors.base import WATCH_S, Executor, Outcomes, Pending, VideoOutcome, Work
from framefleet.progress import Listener

Tell = Callable[[VideoOutcome], object]


class Threads(Executor):
    """Threads that analyze `at_once` videos at the same time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once

    def run(self, pending: Pending, work: Work, listener: Listener, scope: CancelScope) -> Outcomes:
        def serve(tell: Tell) -> None:
            while (task := pending.take()) is not None:
                tell(pending.ended(work(task, listener, scope)))

        yield from in_threads(self._at_once, serve, scope)


def in_threads(number: int, serve: Callable[[Tell], None], scope: CancelScope) -> Outcomes:
    """Yield the outcomes that `serve` reports, which runs in so many threads.

    If the iterator is closed before they end, cancel the scope and wait for them.
    """
    outcomes = SimpleQueue[VideoOutcome]()
    threads = [
        threading.Thread(target=serve, args=(outcomes.put,), name=f"video-{n}", daemon=True) for n in range(number)
    ]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) or not outcomes.empty():
            with contextlib.suppress(Empty):
                yield outcomes.get(timeout=WATCH_S)
    finally:
        if any(thread.is_alive() for thread in threads):
            scope.cancel()
        for thread in threads:
            thread.join()
