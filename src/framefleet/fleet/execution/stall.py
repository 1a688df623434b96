"""The check of an endpoint that makes no progress, and the reason: jobs stay "in queue" for many."""

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
SHARED_S = 0.8 * LOOK_S  # how long the monitors of all runs share an answer: together they ask as often as one
QUIET_S = 10.0  # how long there is no progress before the next check reports it to the user
AGAIN_S = 30.0  # between two lines about a worker that is starting
AT_WORK_S = 600.0  # RunPod's executionTimeout, which jobs are sent with: the service itself ends one that runs longer


def reason(health: Health) -> str:
    """Return why jobs wait, in a few words."""
    workers = health.workers
    if health.transfers and not workers.get("running"):
        what = "1 request or reply is" if health.transfers == 1 else f"{health.transfers} requests or replies are"
        return f"{what} being transferred; the network is slow"
    if workers.get("initializing"):
        return f"{workers['initializing']} workers are starting (a cold start: the image and the model are loaded)"
    if workers.get("running"):
        return f"{workers['running']} workers are running, {health.jobs.get('inQueue', 0)} jobs wait"
    if workers.get("throttled"):
        return f"{workers['throttled']} workers are throttled: RunPod has no such GPU free; allow other GPUs"
    if workers.get("unhealthy"):
        return f"{workers['unhealthy']} workers are unhealthy: the image or the model fails to start; see their logs"
    if not any(workers.values()):
        return "the endpoint has no workers; raise its max workers, or wait for RunPod to start one"
    if health.jobs.get("inQueue") == health.jobs.get("inProgress") == 0:
        return "workers are idle, and no jobs wait at the endpoint"
    return "workers are idle and take no jobs; see the endpoint's logs"


class EndpointWatch:
    """What the monitors of all runs on an endpoint share: its health, and when any of them made progress."""

    def __init__(
        self,
        backend: Backend,
        endpoint: str,
        level: AdaptiveConcurrency,
        *,
        clock: Callable[[], Seconds] = time.monotonic,
    ) -> None:
        self._backend = backend
        self._endpoint = endpoint
        self._level = level
        self._clock = clock
        self._looking = threading.Lock()
        self._health: Health | None = None
        self._seen_at = 0.0
        self.moved_at = clock()

    def moved(self) -> None:
        """Note progress: a request of some run was answered."""
        self.moved_at = self._clock()

    def health(self) -> Health:
        """Return the endpoint's health, which is asked at most once per `SHARED_S`. Raises `FleetError`."""
        with self._looking:
            if self._health is None or self._clock() - self._seen_at >= SHARED_S:
                self._health = None  # an error is no health
                self._health = self._backend.health(self._endpoint)
                self._seen_at = self._clock()
                self._level.saw(self._health)
            return self._health


class StallMonitor(threading.Thread):
    """The monitor of an endpoint while a run has work for it. `end` is called with the error when the patience is over.

    Patience is for all of an endpoint together, however many requests of whichever runs wait: it begins again when one
    is answered. The time in which workers are starting does not count, up to `cold_start_s`.
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
        shared: EndpointWatch | None = None,
    ) -> None:
        """Take `busy`, which returns whether the endpoint has work, and `trouble`, the error of the last call to it.

        `shared` is what other runs on the endpoint have too (None: a watch of its own).

        `diagnose` returns what health and trouble do not show; it may take a while, and is called before anything is
        reported to the user.
        """
        super().__init__(name=f"watch-{name}", daemon=True)
        self._stage = name
        self._shared = shared or EndpointWatch(backend, endpoint, level, clock=clock)
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
        self._starting_s = 0.0  # of the time since the last progress
        self._said = ""
        self._said_at = self._moved_at
        self._closed = threading.Event()

    def moved(self) -> None:
        """Note progress: a request was answered."""
        self._shared.moved()
        self._begin(self._clock())

    def _begin(self, moved_at: Seconds) -> None:
        self._moved_at = moved_at
        self._starting_s = 0.0
        self._said = ""

    def run(self) -> None:
        while not self._closed.wait(self._until_next()):
            try:
                self.look()
            except Exception as error:
                log.warning("%s: a check of the endpoint failed", self._stage, exc_info=error)

    def look(self) -> None:
        """Check the endpoint's health once. Without work, a lack of progress means nothing."""
        since, self._looked_at = self._looked_at, self._clock()
        if not self._busy():
            self._begin(self._clock())
            return
        if self._shared.moved_at > self._moved_at:
            self._begin(self._shared.moved_at)
        health, why = None, self._trouble()
        try:
            health = self._shared.health()
            log.debug("%s: workers %s, jobs %s", self._stage, health.workers, health.jobs)
        except FleetError as error:
            log.info("%s: its health is not known: %s", self._stage, error)
            why = why or error
        now = self._clock()  # a request may have been answered during the call
        quiet_s = now - self._moved_at
        if why is not None or health is None:
            self._say(quiet_s, str(why), over=self._waited(quiet_s) >= self._patience_s)
        elif health.transfers and not health.workers.get("running"):
            self._say(quiet_s, reason(health), over=False)  # the connection's own time-outs end it if nothing moves
        elif health.workers.get("running"):
            # Running workers are being paid for: they are not given up soon, and need no notice.
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
        """Return how much of the patience is used up."""
        return quiet_s - min(self._starting_s, self._cold_start_s)

    def _until_next(self) -> Seconds:
        """Return the seconds until the next check: fewer if patience ends before that, or is short."""
        left_s = self._patience_s - self._waited(self._clock() - self._moved_at)
        soon = [max(left_s, LOOK_S / 10)] if left_s > 0 else []  # else a running or starting worker is waited for
        return min(LOOK_S, max(self._patience_s / 4, LOOK_S / 10), *soon)

    def _say(self, quiet_s: Seconds, why: str, *, over: bool, again: bool = False) -> None:
        """Report why there is no progress: once, or with `again`, repeatedly as long as there is none."""
        now = self._clock()
        again = again or self._diagnose is not None  # the diagnosis may have changed by now
        said = why == self._said and not (again and now - self._said_at >= AGAIN_S)
        early = quiet_s < min(QUIET_S, self._patience_s / 2)
        if not over and (early or said):
            return
        more = None
        if self._diagnose is not None:
            try:
                more = self._diagnose()
            except FleetError as error:
                log.info("%s: no diagnosis", self._stage, exc_info=error)
        text = "; ".join(part for part in (why, more) if part)
        log.info("%s: no progress for %.0f s", self._stage, quiet_s)
        if over:
            self._end(StalledError(f"{self._stage}: no progress for {quiet_s:.0f} s; {text}"))
            return
        waits = f" for {quiet_s:.0f} s" if self._said else ""
        self._said, self._said_at = why, now
        self._listener(Notice(f"{self._stage}: waiting{waits}; {text}"))
