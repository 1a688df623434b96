"""Looks at an endpoint when nothing moves, and says why: people see jobs "in queue" for many reasons."""

import threading
import time
from collections.abc import Callable

from framefleet.errors import FleetError, StalledError
from framefleet.fleet.backends.base import Backend, Health
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.logs import logger
from framefleet.progress import Listener, Notice
from framefleet.timebase import Seconds

log = logger(__name__)

LOOK_S = 5.0
QUIET_S = 10.0  # nothing moved for this long: a person begins to wonder, and hears of it at the next look
AGAIN_S = 30.0  # between two lines about a start that is under way
AT_WORK_S = 600.0  # RunPod's executionTimeout, which jobs are sent with: the service itself ends one that runs longer


def reason(health: Health) -> str:
    """Why jobs wait, in a few words."""
    workers = health.workers
    if workers.get("initializing"):
        return f"{workers['initializing']} workers are starting (a cold start: the image and the model are loaded)"
    if workers.get("running"):
        return f"{workers['running']} workers are at work, {health.jobs.get('inQueue', 0)} jobs wait"
    if workers.get("throttled"):
        return f"{workers['throttled']} workers are throttled: RunPod has no such GPU free; allow other GPUs"
    if workers.get("unhealthy"):
        return f"{workers['unhealthy']} workers are unhealthy: the image or the model fails to start; see their logs"
    if not any(workers.values()):
        return "the endpoint has no workers: raise its max workers, or wait for RunPod to start one"
    return "workers are idle and take nothing; see the endpoint's logs"


class StallMonitor(threading.Thread):
    """One for an endpoint while there is work on it. `end` is called with the error when all patience is used up.

    Patience is for all of a stage together, however many requests wait: it begins anew when one is answered. Time in
    which workers are starting is not taken off it, as long as there is not more than `cold_start_s` of that.
    """

    def __init__(
        self,
        name: str,
        backend: Backend,
        endpoint: str,
        level: AdaptiveConcurrency,
        listener: Listener,
        end: Callable[[FleetError], None],
        *,
        busy: Callable[[], bool],
        patience_s: Seconds,
        cold_start_s: Seconds = 0.0,
        trouble: Callable[[], FleetError | None] = lambda: None,
        diagnose: Callable[[], str | None] | None = None,
        clock: Callable[[], Seconds] = time.monotonic,
    ) -> None:
        """`busy` tells whether anything is wanted of the endpoint, `trouble` what keeps it from being asked.

        `diagnose` says what nobody can see from health and trouble, where there is more to know; it may take a while,
        and is asked before a person is told anything.
        """
        super().__init__(name=f"watch-{name}", daemon=True)
        self._stage = name
        self._backend = backend
        self._endpoint = endpoint
        self._level = level
        self._listener = listener
        self._end = end
        self._busy = busy
        self._patience_s = patience_s
        self._cold_start_s = cold_start_s
        self._trouble = trouble
        self._diagnose = diagnose
        self._clock = clock
        self._moved_at = clock()
        self._looked_at = self._moved_at
        self._starting_s = 0.0  # of the time since something moved
        self._told = ""
        self._told_at = self._moved_at
        self._closed = threading.Event()

    def moved(self) -> None:
        """Something was answered: all is well."""
        self._moved_at = self._clock()
        self._starting_s = 0.0
        self._told = ""

    def run(self) -> None:
        while not self._closed.wait(self._until_next()):
            try:
                self.look()
            except Exception as error:
                log.warning("%s: a look at the endpoint failed", self._stage, exc_info=error)

    def look(self) -> None:
        """One look at the endpoint's health. While nothing is asked of it, nothing can move."""
        since, self._looked_at = self._looked_at, self._clock()
        if not self._busy():
            self.moved()
            return
        health, why = None, self._trouble()
        try:
            health = self._backend.health(self._endpoint)
            log.debug("%s: workers %s, jobs %s", self._stage, health.workers, health.jobs)
            self._level.saw(health)
        except FleetError as error:
            log.info("%s: its health is not known: %s", self._stage, error)
            why = why or error
        now = self._clock()  # while the service took its time, something may have moved
        quiet_s = now - self._moved_at
        if why is not None or health is None:
            self._say(quiet_s, str(why), over=self._waited(quiet_s) >= self._patience_s)
        elif health.workers.get("running"):
            # Workers at work are being paid for: neither thrown away soon, nor worth a word.
            if quiet_s >= self._patience_s + AT_WORK_S:
                self._say(quiet_s, reason(health), over=True)
        elif health.workers.get("initializing"):
            self._starting_s += max(0.0, now - max(since, self._moved_at))
            lasts = self._starting_s >= self._cold_start_s and quiet_s >= self._patience_s
            self._say(quiet_s, reason(health), over=lasts, again=True)
        else:
            self._say(quiet_s, reason(health), over=self._waited(quiet_s) >= self._patience_s)

    def close(self) -> None:
        self._closed.set()

    def _waited(self, quiet_s: Seconds) -> Seconds:
        """How much of the patience is used up."""
        return quiet_s - min(self._starting_s, self._cold_start_s)

    def _until_next(self) -> Seconds:
        """Until the next look: sooner where patience ends before that, or is little."""
        left_s = self._patience_s - self._waited(self._clock() - self._moved_at)
        soon = [max(left_s, LOOK_S / 10)] if left_s > 0 else []  # else what is at work, or starts, is waited for
        return min(LOOK_S, max(self._patience_s / 4, LOOK_S / 10), *soon)

    def _say(self, quiet_s: Seconds, why: str, *, over: bool, again: bool = False) -> None:
        """Tells why nothing moves: once, or where it is to be told `again`, as long as it does not."""
        now = self._clock()
        again = again or self._diagnose is not None  # there may be more to know by now
        told = why == self._told and not (again and now - self._told_at >= AGAIN_S)
        early = quiet_s < min(QUIET_S, self._patience_s / 2)
        if not over and (early or told):
            return
        more = None
        if self._diagnose is not None:
            try:
                more = self._diagnose()
            except FleetError as error:
                log.info("%s: no diagnosis", self._stage, exc_info=error)
        text = "; ".join(part for part in (why, more) if part)
        log.info("%s: nothing has moved for %.0f s", self._stage, quiet_s)
        if over:
            self._end(StalledError(f"{self._stage}: nothing has moved for {quiet_s:.0f} s; {text}"))
            return
        waits = f" for {quiet_s:.0f} s" if self._told else ""
        self._told, self._told_at = why, now
        self._listener(Notice(f"{self._stage}: waiting{waits}; {text}"))
