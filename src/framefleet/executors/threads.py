"""Many videos in threads of this process, which share its models, connections, limits and budget."""

import contextlib
import threading
from queue import Empty, SimpleQueue

from framefleet.cancel import CancelScope
from framefleet.executors.base import WATCH_S, Executor, Outcomes, Pending, VideoOutcome, Work
from framefleet.progress import Listener


class Threads(Executor):
    """Threads that analyze `at_once` videos at the same time."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once

    def run(self, pending: Pending, work: Work, listener: Listener, scope: CancelScope) -> Outcomes:
        done = SimpleQueue[VideoOutcome]()

        def serve() -> None:
            while (task := pending.take()) is not None:
                done.put(pending.ended(work(task, listener, scope)))

        threads = [threading.Thread(target=serve, name=f"video-{n}", daemon=True) for n in range(self._at_once)]
        try:
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads) or not done.empty():
                with contextlib.suppress(Empty):
                    yield done.get(timeout=WATCH_S)
        finally:  # also if nobody wants the rest
            if any(thread.is_alive() for thread in threads):
                scope.cancel()
            for thread in threads:
                thread.join()
