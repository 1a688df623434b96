"""The workers of one emulated endpoint: each takes a job, runs the handler on it, and takes the next."""

import threading
from typing import Any

import msgspec

from framefleet.emulator.queue import JobQueue, QueuedJob
from framefleet.stages.base import Handler


class Workers:
    """`count` threads that run `handler`. They end when the queue is closed."""

    def __init__(self, queue: JobQueue, handler: Handler, count: int) -> None:
        self._queue = queue
        self._handler = handler
        self.count = count
        self._busy = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, args=(f"worker-{n}",), daemon=True) for n in range(count)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def states(self) -> dict[str, int]:
        """Workers by state, under the names that `health` uses."""
        with self._lock:
            busy = self._busy
        return {
            "idle": self.count - busy,
            "initializing": 0,
            "ready": self.count,
            "running": busy,
            "throttled": 0,
            "unhealthy": 0,
        }

    def _work(self, worker_id: str) -> None:
        while (job := self._queue.take(worker_id)) is not None:
            self._count(+1)
            self._queue.complete(job, self._run(job))
            self._count(-1)

    def _run(self, job: QueuedJob) -> Any:
        try:
            return self._handler({"id": job.id, "input": msgspec.json.decode(job.input)})
        except Exception as error:  # noqa: BLE001 - as the service's own worker does
            return {"error": f"{type(error).__name__}: {error}"}

    def _count(self, by: int) -> None:
        with self._lock:
            self._busy += by
