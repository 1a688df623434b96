import random

import pytest

from framefleet.errors import (
    AuthError,
    FleetError,
    JobFailedError,
    JobLostError,
    TooLargeError,
    UnreachableError,
)
from framefleet.fleet.execution.retry import RetryPolicy, retrying


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)


def attempts(errors: list[FleetError], policy: RetryPolicy, time: Time) -> int:
    """How many attempts are made of something that fails with these errors and then works."""
    left = list(errors)
    made = 0
    for attempt in retrying(policy, sleep=time.sleep, clock=time, rng=random.Random(1)):
        with attempt:
            made += 1
            if left:
                raise left.pop(0)
    return made


def test_counted_errors_are_tried_max_attempts_times() -> None:
    time = Time()
    assert attempts([JobFailedError("x")] * 2, RetryPolicy(3), time) == 3
    with pytest.raises(JobFailedError):
        attempts([JobFailedError("x")] * 3, RetryPolicy(3), time)


def test_transport_faults_and_lost_jobs_are_tried_until_patience_ends_and_do_not_count() -> None:
    time = Time()
    away = [UnreachableError("x"), JobLostError("x")] * 20
    assert attempts([*away, JobFailedError("x"), JobFailedError("x")], RetryPolicy(3, patience_s=1e6), time) == 43
    time = Time()
    with pytest.raises(UnreachableError):
        attempts([UnreachableError("x")] * 1000, RetryPolicy(3, patience_s=60), time)
    assert 60 <= time.now < 60 + 15


@pytest.mark.parametrize("error", [AuthError("x"), TooLargeError("x")])
def test_what_asking_again_cannot_mend_is_not_asked_again(error: FleetError) -> None:
    time = Time()
    with pytest.raises(type(error)):
        attempts([error], RetryPolicy(), time)
    assert time.slept == []


def test_waits_grow_with_jitter_up_to_a_limit() -> None:
    time = Time()
    policy = RetryPolicy(patience_s=1e9, first_wait_s=0.25, longest_wait_s=15)
    attempts([UnreachableError("x")] * 200, policy, time)
    assert all(wait <= min(0.25 * 2**n, 15) for n, wait in enumerate(time.slept[:30]))
    assert max(time.slept) > 10
    assert len(set(time.slept)) > 190
