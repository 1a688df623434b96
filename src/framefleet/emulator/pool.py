"""The workers of one endpoint, from their start to their stop, scaled by the queue. Pure but for its clock."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from framefleet.emulator.bill import Shift, WorkerBill
from framefleet.emulator.clock import ServiceClock
from framefleet.emulator.queue import QueuedJob
from framefleet.timebase import Seconds


@dataclass(slots=True, eq=False)
class EmulatedWorker:
    """A worker. `idle_since` is when it last became idle. `loaded`: its handler is; `broken`: it cannot be.

    `refresh`: its handler has requested a new worker after this job.
    """

    id: str
    slot: int
    ready_at: Seconds
    idle_since: Seconds
    shift: Shift
    loaded: bool = False
    broken: bool = False
    refresh: bool = False
    job: QueuedJob | None = None
    on_stop: Callable[[], None] | None = None

    @property
    def stopped(self) -> bool:
        return self.shift.stopped is not None


class Pool:
    """Between `least` and `most` workers. They start within `cold_start_s` when jobs wait, and stop after `idle_s`."""

    def __init__(self, clock: ServiceClock, least: int, most: int, cold_start_s: Seconds, idle_s: Seconds) -> None:
        self._clock = clock
        self.least = least
        self.most = most
        self.cold_start_s = cold_start_s
        self.idle_s = idle_s
        self.throttled = 0  # workers that cannot start because no GPU is free
        self.unhealthy = 0  # workers that start and crash
        self.bill = WorkerBill(clock)
        self.up: list[EmulatedWorker] = []
        self._numbers = itertools.count()

    def hire(self, waiting: int) -> list[EmulatedWorker]:
        """Start as many workers as there are jobs that no free worker will take, and return the new ones."""
        room = self.most - self.throttled - self.unhealthy - len(self.up)
        free = sum(worker.job is None and not worker.broken for worker in self.up)
        wanted = max(waiting - free, self.least - len(self.up))
        return [self._start() for _ in range(max(0, min(wanted, room)))]

    def ready(self, worker: EmulatedWorker) -> bool:
        """Return whether the worker can take a job now."""
        return worker.loaded and not worker.stopped and worker.job is None and worker.ready_at <= self._clock()

    def loaded(self, worker: EmulatedWorker) -> None:
        """Note that the worker's handler is loaded."""
        if not worker.loaded:
            worker.loaded, worker.broken, worker.idle_since = True, False, self._clock()

    def release(self, worker: EmulatedWorker) -> None:
        """Mark the worker as idle; one to be refreshed stops, and another starts when one is needed."""
        worker.job, worker.idle_since = None, self._clock()
        if worker.refresh:
            self.stop(worker, worker.idle_since)

    def stop(self, worker: EmulatedWorker, at: Seconds) -> None:
        if worker.stopped:
            return
        worker.shift.stopped = at
        self.up.remove(worker)
        if worker.on_stop is not None:
            worker.on_stop()

    def sweep(self) -> None:
        """Stop workers that were idle for too long, as of the time when they should have stopped."""
        for worker in sorted(self.up, key=lambda worker: worker.idle_since):
            if len(self.up) <= self.least:
                return
            leaves = self.leaves_at(worker)
            if leaves is not None and leaves <= self._clock():
                self.stop(worker, leaves)

    def leaves_at(self, worker: EmulatedWorker) -> Seconds | None:
        """Return when an idle worker stops, unless it gets a job or the endpoint keeps it; None while it is busy."""
        starting = not worker.loaded and not worker.broken
        return None if worker.job is not None or starting else max(worker.idle_since, worker.ready_at) + self.idle_s

    def block(self, throttled: int, unhealthy: int) -> None:
        """Make so many workers unable to start; idle ones stop if there is no room left for them."""
        self.throttled, self.unhealthy = throttled, unhealthy
        for worker in [worker for worker in self.up if worker.job is None]:
            if len(self.up) > self.most - throttled - unhealthy:
                self.stop(worker, self._clock())

    def close(self) -> None:
        for worker in list(self.up):
            self.stop(worker, self._clock())

    def counts(self) -> dict[str, int]:
        """Return the number of workers by state, under the names that `health` uses."""
        running = sum(worker.job is not None for worker in self.up)
        idle = sum(self.ready(worker) for worker in self.up)
        broken = sum(worker.broken for worker in self.up)
        return {
            "idle": idle,
            "initializing": len(self.up) - running - idle - broken,
            "ready": idle + running,
            "running": running,
            "throttled": self.throttled,
            "unhealthy": self.unhealthy + broken,
        }

    def _start(self) -> EmulatedWorker:
        now, number = self._clock(), next(self._numbers)
        taken = {worker.slot for worker in self.up}
        slot = next(slot for slot in itertools.count() if slot not in taken)
        id = f"worker-{number}"
        worker = EmulatedWorker(id, slot, now + self.cold_start_s, now, self.bill.start(id, now))
        self.up.append(worker)
        return worker
