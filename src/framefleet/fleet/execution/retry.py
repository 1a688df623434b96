"""When to retry and how long to wait before, for every kind of error, with tenacity."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import tenacity
from tenacity.stop import stop_base

from framefleet.errors import Advice, FleetError, RateLimitedError
from framefleet.logs import logger
from framefleet.timebase import Seconds

log = logger(__name__)

AGAIN = frozenset({Advice.RETRY, Advice.WAIT})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """The limits of retrying: few paid attempts, and patience with a network or a service that is down.

    `patience_s` is how long one request may meet transport faults and lost jobs alone, `refused_s` how long it may be
    refused with 429 (None: the same); both are endless if a `StallMonitor` watches the stage. The waits grow
    exponentially with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
    """

    max_attempts: int = 3
    patience_s: Seconds = 300.0
    first_wait_s: Seconds = 0.25
    longest_wait_s: Seconds = 15.0
    refused_s: Seconds | None = None


class stop_by_kind(stop_base):  # noqa: N801 - named as tenacity names its own
    """Stops after `max_attempts` counted errors, or when uncounted ones alone have lasted for `patience_s`."""

    def __init__(self, policy: RetryPolicy, clock: Callable[[], Seconds]) -> None:
        self._policy = policy
        self._clock = clock
        self._counted = 0
        self._since: Seconds | None = None

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if getattr(error, "counted", False):
            self._counted += 1
            self._since = None
            return self._counted >= self._policy.max_attempts
        now = self._clock()
        self._since = now if self._since is None else self._since
        most_s = self._policy.refused_s if isinstance(error, RateLimitedError) else None
        return now - self._since >= (self._policy.patience_s if most_s is None else most_s)


def retrying(
    policy: RetryPolicy,
    *,
    sleep: Callable[[Seconds], None] = time.sleep,
    clock: Callable[[], Seconds] = time.monotonic,
    rng: random.Random | None = None,
) -> tenacity.Retrying:
    """Return the attempts for a request: `for attempt in retrying(…): with attempt: …`. Raises the last error."""
    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, FleetError) and error.advice in AGAIN),
        stop=stop_by_kind(policy, clock),
        wait=_FullJitter(policy, rng or random.Random()),
        sleep=sleep,
        before_sleep=_log_wait,
        reraise=True,
    )


def _log_wait(retry_state: tenacity.RetryCallState) -> None:
    error = retry_state.outcome.exception() if retry_state.outcome else None
    log.info("attempt %d failed, the next in %.2f s: %s", retry_state.attempt_number, retry_state.upcoming_sleep, error)


class _FullJitter(tenacity.wait.wait_base):
    """tenacity's `wait_random_exponential` with a generator of its own, so that tests are repeatable."""

    def __init__(self, policy: RetryPolicy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng

    def __call__(self, retry_state: tenacity.RetryCallState) -> Seconds:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        refused = getattr(error, "advice", None) is Advice.WAIT  # the rate limiter already delays all threads
        highest = self._policy.first_wait_s * (1 if refused else 2 ** min(retry_state.attempt_number - 1, 30))
        return self._rng.uniform(0, min(highest, self._policy.longest_wait_s))
