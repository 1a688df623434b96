"""One stage's requests, many at a time: packed, asked, checked and counted, bounded in number.

Nothing here knows what a picture is. A request that fails never stops another, unless its error ends the run.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import msgspec

from framefleet.errors import Advice, FleetError, FrameFleetError, JobLostError
from framefleet.fleet.backend import Backend, Job, Receipt
from framefleet.fleet.meter import Meter
from framefleet.progress import ItemDone, ItemFailed, Listener
from framefleet.stages.base import Answer, Stage
from framefleet.units import Seconds

JOB_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True)
class Charge:
    """One job as it was served: what a bill is made of. `submitted_s` is seconds since the run began."""

    submitted_s: Seconds
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Failure:
    """A payload that got no answer. `facts` says which pictures or which span."""

    facts: Any
    error: str
    attempts: int


@dataclass(slots=True)
class Outcome:
    """All that came of a stage's requests. `fatal` is the error that ended it early, if one did."""

    answers: list[Answer[Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    charges: list[Charge] = field(default_factory=list)
    fatal: FrameFleetError | None = None


class Dispatcher:
    """Feed with `put`, which blocks while enough is in hand; `finish` waits for the rest.

    At most `workers` requests are asked at a time, and as many payloads again wait packed behind them, so memory
    does not grow with the video's length.
    """

    def __init__(
        self,
        stage: Stage[Any, Any, Any, Any, Any],
        backend: Backend,
        pack: Callable[[Any], msgspec.Struct],
        *,
        workers: int,
        listener: Listener,
        began: Seconds,
    ) -> None:
        self._stage = stage
        self._backend = backend
        self._pack = pack
        self._listener = listener
        self._began = began
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=stage.name)
        self._most = 2 * workers
        self._in_hand = 0
        self._lock = threading.RLock()
        self._idle = threading.Condition(self._lock)
        self._outcome = Outcome()
        self._jobs: dict[str, Job] = {}
        self._cancelled = False
        self.meter = Meter()

    @property
    def fatal(self) -> FrameFleetError | None:
        """The error that ended this stage: what is put from then on fails at once with it."""
        return self._outcome.fatal

    def put(self, number: int, payload: Any, units: float) -> None:
        """Hands over one payload. Blocks while `2 × workers` are in hand."""
        with self._lock:
            self._idle.wait_for(lambda: self._cancelled or self._in_hand < self._most)
            if self._cancelled:
                return
            self._in_hand += 1
            self._pool.submit(self._serve, number, payload, units)

    def idle(self, timeout_s: Seconds) -> bool:
        """Whether all that was put is done, after waiting for that at most `timeout_s`."""
        with self._lock:
            return self._idle.wait_for(lambda: self._in_hand == 0, timeout_s)

    def finish(self) -> Outcome:
        """All that came, once all that was put is done."""
        self._pool.shutdown(wait=True)
        return self._outcome

    def cancel(self) -> None:
        """Drops what waits and asks the service to stop what it has, so that nothing more is paid for."""
        with self._lock:
            self._cancelled = True
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._idle.notify_all()
            jobs = list(self._jobs.values())
        for job in jobs:
            try:
                self._backend.cancel(job)
            except FleetError:
                continue

    def _serve(self, number: int, payload: Any, units: float) -> None:
        facts = self._stage.facts(payload)
        began = perf_counter()
        try:
            if self._outcome.fatal is not None:
                raise self._outcome.fatal
            with self.meter.working():
                reply = self._ask(self._pack(payload))
        except FrameFleetError as error:
            self._failed(number, facts, units, error)
        except Exception as error:  # noqa: BLE001 - a fault of ours in one item must not lose the others
            self._failed(number, facts, units, FrameFleetError(f"{type(error).__name__}: {error}"))
        else:
            with self._lock:
                self._outcome.answers.append(Answer(facts, reply))
            seconds = perf_counter() - began
            self._listener(ItemDone(self._stage.name, number, units, self._stage.count(reply), seconds))
        finally:
            with self._lock:
                self._in_hand -= 1
                self._idle.notify_all()

    def _failed(self, number: int, facts: Any, units: float, error: FrameFleetError) -> None:
        with self._lock:
            self._outcome.failures.append(Failure(facts, str(error), 1))
            if error.ends_run:
                self._outcome.fatal = self._outcome.fatal or error
        self._listener(ItemFailed(self._stage.name, number, units, str(error)))

    def _ask(self, request: Any) -> Any:
        """The reply to a request, asked in halves if it turns out too large."""
        try:
            return self._ask_whole(request)
        except FleetError as error:
            parts = self._stage.split(request) if error.advice is Advice.SPLIT else [request]
            if len(parts) == 1:
                raise
        return self._stage.join([self._ask(part) for part in parts])

    def _ask_whole(self, request: Any) -> Any:
        if self._cancelled:
            raise JobLostError("interrupted")
        submitted_s = perf_counter() - self._began
        job = self._backend.submit(self._stage.endpoint, request)
        with self._lock:
            self._jobs[job.id] = job
        try:
            done = self._backend.wait(job, JOB_TIMEOUT_S)
        finally:
            with self._lock:
                self._jobs.pop(job.id, None)
        with self._lock:
            self._outcome.charges.append(Charge(submitted_s, done.receipt))
        return self._stage.parse(request, done.output)
