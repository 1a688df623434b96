"""An endpoint without threads on a clock that a test moves."""

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec

from framefleet.emulator.endings import HandlerOutcome
from framefleet.emulator.endpoint import EmulatedEndpoint, RunningJob
from framefleet.emulator.faults import Faults
from framefleet.emulator.pool import EmulatedWorker, Pool
from framefleet.emulator.queue import Terms
from framefleet.emulator.rates import RUNPOD, Rate


class HandClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def real(self, seconds: float) -> float:
        return seconds


class Bare(EmulatedEndpoint):
    """`hired` are its workers in the order they started; `work` does what their threads would do by now."""

    def __init__(
        self,
        least: int = 1,
        most: int = 1,
        cold_start_s: float = 0.0,
        idle_s: float = 5.0,
        faults: str = "",
        rates: Mapping[str, Rate] = RUNPOD,
    ) -> None:
        self.hand = HandClock()
        self.hired: list[EmulatedWorker] = []
        self._texts = itertools.count()
        super().__init__(Pool(self.hand, least, most, cold_start_s, idle_s), self.hand, Faults.parse(faults), rates)
        self.on_hire = self.hired.append
        self.open()

    def add(self, input: Any = None, **terms: float) -> str:
        return self.submit(msgspec.json.encode(next(self._texts) if input is None else input), Terms(**terms))

    def begin(self) -> RunningJob:
        """A job goes to the first worker that can take one."""
        return next(task for worker in self.hired if (task := self.take(worker)) is not None)

    def take_any(self) -> RunningJob | None:
        return next((task for worker in self.hired if (task := self.take(worker)) is not None), None)

    def finish(self, task: RunningJob, output: Any = "done", error: str | None = None) -> None:
        worker = next(worker for worker in self.hired if worker.job is task.job and not worker.stopped)
        encoded = None if error is not None else msgspec.json.encode(output)
        self.conclude(worker, task.job, HandlerOutcome(encoded, error))
        self.release(worker)

    def state(self, id: str) -> str | None:
        told = self.status(id)
        return None if told is None else str(told["status"])

    def output(self, id: str) -> Any:
        told = self.status(id) or {}
        return msgspec.json.decode(told["output"]) if "output" in told else None

    def finish_late(self, task: RunningJob) -> None:
        """The handler comes back when the service has long given the job up."""
        for worker in self.hired:
            if worker.job is task.job:
                self.conclude(worker, task.job, HandlerOutcome(b'"late"'))
                self.release(worker)
