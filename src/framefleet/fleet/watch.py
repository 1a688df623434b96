"""Looks at an endpoint's health when nothing moves, and says why: people see jobs "in queue" for many reasons."""

import contextlib
import threading
import time
from collections.abc import Callable

from framefleet.errors import FleetError, StalledError
from framefleet.fleet.backend import Backend, Health
from framefleet.fleet.limits import Level
from framefleet.progress import Listener, Notice
from framefleet.units import Seconds

LOOK_S = 5.0
QUIET_S = 15.0  # nothing moved for this long: a person begins to wonder
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


class Watch(threading.Thread):
    """One for an endpoint while there is work on it. `end` is called with the error when all patience is used up."""

    def __init__(
        self,
        name: str,
        backend: Backend,
        endpoint: str,
        level: Level,
        listener: Listener,
        end: Callable[[FleetError], None],
        *,
        busy: Callable[[], bool],
        patience_s: Seconds,
        clock: Callable[[], Seconds] = time.monotonic,
    ) -> None:
        super().__init__(name=f"watch-{name}", daemon=True)
        self._stage = name
        self._backend = backend
        self._endpoint = endpoint
        self._level = level
        self._listener = listener
        self._end = end
        self._busy = busy
        self._patience_s = patience_s
        self._clock = clock
        self._moved_at = clock()
        self._told = ""
        self._closed = threading.Event()

    def moved(self) -> None:
        """Something was answered: all is well."""
        self._moved_at = self._clock()
        self._told = ""

    def run(self) -> None:
        while not self._closed.wait(LOOK_S):
            with contextlib.suppress(Exception):  # who is told may be gone; the endpoint is to be watched all the same
                self.look()

    def look(self) -> None:
        """One look at the endpoint's health. While nothing is asked of it, nothing can move."""
        if not self._busy():
            self.moved()
            return
        try:
            health = self._backend.health(self._endpoint)
        except FleetError as error:
            self._say(self._clock() - self._moved_at, str(error))
            return
        self._level.saw(health)
        quiet_s = self._clock() - self._moved_at  # by now: while the service took its time, something may have moved
        # Workers at work are being paid for: neither thrown away soon, nor worth a word.
        if not health.workers.get("running") or quiet_s >= self._patience_s + AT_WORK_S:
            self._say(quiet_s, reason(health))

    def close(self) -> None:
        self._closed.set()

    def _say(self, quiet_s: Seconds, why: str) -> None:
        if quiet_s >= self._patience_s:
            self._end(StalledError(f"{self._stage}: nothing has moved for {quiet_s:.0f} s; {why}"))
        elif quiet_s >= QUIET_S and why != self._told:
            self._told = why
            self._listener(Notice(f"{self._stage}: waiting; {why}"))
