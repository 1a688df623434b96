"""Workers from zero and back, what `health` says of them, and what they cost."""

import pytest

from .bare import Bare


def workers(endpoint: Bare) -> dict[str, int]:
    """Those states that somebody is in."""
    return {state: count for state, count in endpoint.health()["workers"].items() if count}


def test_a_worker_starts_when_a_job_waits_and_takes_its_time() -> None:
    endpoint = Bare(least=0, most=3, cold_start_s=8)
    assert workers(endpoint) == {}
    id = endpoint.add()
    assert workers(endpoint) == {"initializing": 1}
    endpoint.hand.now = 7.9
    assert endpoint.take_any() is None
    endpoint.hand.now = 8.0
    endpoint.begin()
    assert workers(endpoint) == {"running": 1, "ready": 1}
    assert (endpoint.status(id) or {})["delayTime"] == 8000


def test_as_many_workers_start_as_jobs_wait_and_no_more_than_are_allowed() -> None:
    endpoint = Bare(least=0, most=3)
    for started in [1, 2, 3, 3, 3]:
        endpoint.add()
        assert len(endpoint.hired) == started


def test_a_free_worker_takes_the_job_and_none_starts() -> None:
    endpoint = Bare(least=0, most=3)
    endpoint.add()
    endpoint.finish(endpoint.begin())
    endpoint.add()
    assert len(endpoint.hired) == 1


def test_an_idle_worker_stops_and_is_billed_for_its_start_and_its_idling_rounded_up() -> None:
    endpoint = Bare(least=0, most=3, cold_start_s=8, idle_s=5)
    endpoint.add()
    endpoint.hand.now = 8.0
    task = endpoint.begin()
    endpoint.hand.now = 8.3
    endpoint.finish(task)
    assert endpoint.bill.seconds == 9, "still up"
    endpoint.hand.now = 13.2
    assert workers(endpoint) == {"idle": 1, "ready": 1}
    endpoint.hand.now = 100.0
    assert workers(endpoint) == {}
    assert endpoint.bill.seconds == 14
    assert endpoint.bill.usd(0.5) == 7.0


def test_a_job_in_time_keeps_an_idle_worker() -> None:
    endpoint = Bare(least=0, most=1, idle_s=5)
    for now in (0.0, 4.0, 8.0):
        endpoint.hand.now = now
        endpoint.add()
        endpoint.finish(endpoint.begin())
    assert len(endpoint.hired) == 1


def test_the_least_number_of_workers_is_always_up() -> None:
    endpoint = Bare(least=2, most=3)
    for _ in range(3):
        endpoint.add()
    for task in [endpoint.begin() for _ in range(3)]:
        endpoint.finish(task)
    endpoint.hand.now = 1000.0
    assert workers(endpoint) == {"idle": 2, "ready": 2}
    assert endpoint.bill.seconds == 5 + 1000 + 1000


def test_a_worker_whose_handler_takes_long_to_load_is_not_idle() -> None:
    endpoint = Bare(least=0, most=3, idle_s=5)
    id = endpoint.add()
    endpoint.hand.now = 60.0
    assert workers(endpoint) == {"initializing": 1}
    endpoint.finish(endpoint.begin())
    assert endpoint.state(id) == "COMPLETED"
    assert len(endpoint.hired) == 1
    endpoint.hand.now = 64.9
    assert workers(endpoint) == {"idle": 1, "ready": 1}


@pytest.mark.parametrize("why", ["throttled", "unhealthy"])
def test_workers_that_cannot_start_leave_the_job_in_the_queue(why: str) -> None:
    endpoint = Bare(least=0, most=2)
    endpoint.block(**{why: 2})
    id = endpoint.add()
    endpoint.hand.now = 1000.0
    assert endpoint.state(id) == "IN_QUEUE"
    assert workers(endpoint) == {why: 2}
    endpoint.block()
    endpoint.finish(endpoint.begin())
    assert endpoint.state(id) == "COMPLETED"


def test_blocking_stops_idle_workers_and_no_busy_one() -> None:
    endpoint = Bare(least=2, most=2)
    endpoint.add()
    endpoint.begin()
    endpoint.block(throttled=2)
    assert workers(endpoint) == {"running": 1, "ready": 1, "throttled": 2}


def test_closing_stops_everything_and_the_bill() -> None:
    endpoint = Bare(least=2, most=2)
    endpoint.hand.now = 3.5
    endpoint.close()
    endpoint.hand.now = 1000.0
    assert endpoint.bill.seconds == 8
    endpoint.add()
    assert len(endpoint.hired) == 2
