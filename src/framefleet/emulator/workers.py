"""The threads that run an endpoint's workers, one for each from its start to its stop."""

import logging
import threading
from collections.abc import Callable
from functools import partial

from framefleet.emulator.endpoint import EmulatedEndpoint, RunningJob
from framefleet.emulator.faults import Fault
from framefleet.emulator.pool import EmulatedWorker
from framefleet.emulator.runners import Runner

log = logging.getLogger("framefleet.emulator")


class WorkerThreads:
    """Runs the jobs of `endpoint`; each worker has a runner of its own."""

    def __init__(self, endpoint: EmulatedEndpoint, make_runner: Callable[[], Runner]) -> None:
        self._endpoint = endpoint
        self._make_runner = make_runner
        endpoint.on_hire = self._hire

    def _hire(self, worker: EmulatedWorker) -> None:
        runner = self._make_runner()
        worker.on_stop = runner.stop
        threading.Thread(target=self._live, args=(worker, runner), name=worker.id, daemon=True).start()

    def _live(self, worker: EmulatedWorker, runner: Runner) -> None:
        try:
            if self._load(worker, runner):
                while (task := self._endpoint.next(worker)) is not None:
                    self.work(worker, runner, task)
                    self._endpoint.release(worker)
        finally:
            runner.close()

    def _load(self, worker: EmulatedWorker, runner: Runner) -> bool:
        """Load the handler, and retry as long as the worker is kept. Return whether it is loaded."""
        while True:
            try:
                runner.load()
                return True
            except Exception as error:  # noqa: BLE001 - the handler's code may raise anything
                if not worker.stopped:
                    log.warning("%s is unhealthy: %s: %s", worker.id, type(error).__name__, error)
                if not self._endpoint.cannot_load(worker):
                    return False

    def work(self, worker: EmulatedWorker, runner: Runner, task: RunningJob) -> None:
        """Run one job to its end."""
        endpoint, (job, input, faults) = self._endpoint, task
        endpoint.ledger.record(job.id, worker.id, input)
        began = endpoint.clock()
        outcome = runner.run(job.id, input, partial(endpoint.tell, worker, job))
        if Fault.SLOW in faults or worker.slot < endpoint.faults.slow_workers:
            took = endpoint.clock() - began
            endpoint.linger(worker, job, took * (endpoint.faults.slow_factor - 1))
        endpoint.conclude(worker, job, outcome)
        if Fault.TWICE in faults and not worker.stopped:
            endpoint.ledger.record(job.id, worker.id, input)
            runner.run(job.id, input, partial(endpoint.tell, worker, job))
