import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cancel import CancelScope
from framefleet.errors import CancelledError, FrameFleetError
from framefleet.fleet.backends.base import Health, Receipt
from framefleet.fleet.backends.rate_limit import RateLimiter
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from tests.fleet.test_retry import Time


@given(st.floats(0.5, 500), st.integers(1, 50), st.lists(st.floats(0, 2), max_size=200))
def test_never_more_than_the_rate_and_the_burst_in_any_window(rate: float, burst: int, pauses: list[float]) -> None:
    time = Time()
    limiter = RateLimiter(rate, burst, clock=time, sleep=time.sleep)
    calls = []
    for pause in pauses:
        time.now += pause
        limiter.acquire()
        calls.append(time.now)
    for i, start in enumerate(calls):
        for j in range(i, len(calls)):
            assert j - i + 1 <= burst + (calls[j] - start) * rate + 1e-6


def test_three_a_minute() -> None:
    time = Time()
    limiter = RateLimiter(3 / 60, clock=time, sleep=time.sleep)
    for _ in range(4):
        limiter.acquire()
    assert time.now == limiter.held_s == pytest.approx(60)


def test_a_refusal_holds_off_for_a_share_of_the_time_since_the_first_until_one_is_accepted() -> None:
    time = Time()
    limiter = RateLimiter(1e6, 100, clock=time, sleep=time.sleep, rng=random.Random(1))
    for _ in range(100):
        limiter.refused()
        before = time.now
        limiter.acquire()
        hold = min(max(0.05, 0.05 * before), 0.5)
        assert hold <= time.now - before <= 2 * hold
    assert before > 10
    limiter.accepted()
    limiter.refused()
    before = time.now
    limiter.acquire()
    assert time.now - before <= 0.1


def test_who_waits_looks_again_whether_another_was_refused_meanwhile() -> None:
    time = Time()
    limiter = RateLimiter(1e6, 100, clock=time, sleep=lambda seconds: (time.sleep(seconds), again.pop()()))
    again = [lambda: None, limiter.refused]
    limiter.refused()
    limiter.acquire()
    assert len(time.slept) == 2


def worked(level: AdaptiveConcurrency, workers: int, answers: int) -> None:
    """Lets `level` see answers of a fleet that is kept full: each request waits as Little's law says."""
    for _ in range(answers):
        level._in_use = level.limit
        waiting = max(0.0, level.limit / workers - 1)
        level.answered(Receipt("w", delay_ms=200 * waiting, execution_ms=200))


@pytest.mark.parametrize(("workers", "ceiling"), [(1, 5), (3, 5), (3, 100), (20, 100)])
def test_the_level_settles_a_little_above_the_number_of_workers(workers: int, ceiling: int) -> None:
    level = AdaptiveConcurrency(ceiling, ceiling)
    worked(level, workers, 500)
    assert min(workers, ceiling) <= level.limit <= 2 * workers + 2


def test_it_grows_from_below_without_a_ceiling() -> None:
    level = AdaptiveConcurrency(None, 2)
    worked(level, 40, 500)
    assert level.limit >= 40


def test_answers_that_come_together_do_not_lower_it() -> None:
    """Three workers end at the same time, so that places are free again before each answer is counted."""
    level = AdaptiveConcurrency(6, 6)
    for _ in range(50):
        level.answered(Receipt("w", delay_ms=200, execution_ms=200), held=6)
    assert level.limit >= 5


def test_idle_workers_are_room_to_grow_and_429_is_not() -> None:
    level = AdaptiveConcurrency(None, 4)
    level._in_use = 4
    level.saw(Health({}, {"idle": 3}))
    assert level.limit == 7
    level.refused()
    assert level.limit == 5


def test_a_cold_start_does_not_lower_the_level() -> None:
    level = AdaptiveConcurrency(5, 5)
    level.saw(Health({}, {"initializing": 1}))
    level._in_use = 5
    for _ in range(20):
        level.answered(Receipt("w", delay_ms=30_000, execution_ms=200))
    assert level.limit == 5


def test_requests_that_waited_for_a_worker_to_start_do_not_lower_the_level() -> None:
    """Their answers come when nothing is starting any more, so health does not tell."""
    level = AdaptiveConcurrency(5, 5)
    for _ in range(5):
        level.answered(Receipt("w", delay_ms=20_000, execution_ms=200), held=5)
    assert level.limit == 5


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e4)), max_size=100), st.integers(1, 10))
def test_the_level_stays_between_one_and_its_ceiling(answers: list[tuple[float, float]], ceiling: int) -> None:
    level = AdaptiveConcurrency(ceiling, ceiling)
    for delay, execution in answers:
        with level.slot():
            level.answered(Receipt("w", delay, execution))
        assert 1 <= level.limit <= ceiling


def test_whoever_waits_for_a_place_that_another_run_has_is_woken_when_cancelled() -> None:
    level, scope, heard = AdaptiveConcurrency(1, 1), CancelScope(), list[FrameFleetError]()

    def waiting() -> None:
        try:
            with level.slot(scope):
                pass
        except CancelledError as error:
            heard.append(error)

    with level.slot():
        thread = threading.Thread(target=waiting)
        thread.start()
        while not scope._callbacks:
            pass
        scope.cancel()
        thread.join(30)
        assert heard == [scope.error]
    with level.slot() as held:
        assert held == 1
