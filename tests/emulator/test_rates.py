"""Requests in a stretch of time and at once."""

from framefleet.emulator.rates import (
    RUNPOD,
    UNLIMITED,
    EndpointRates,
    Rate,
    at_most,
)

from .bare import HandClock


def admitted(limiter: EndpointRates, tries: int) -> int:
    """How many of so many are let in, each over before the next."""
    passed = 0
    for _ in range(tries):
        if limiter.admit("run"):
            limiter.done("run")
            passed += 1
    return passed


def test_so_many_in_a_window_that_slides() -> None:
    clock = HandClock()
    limiter = EndpointRates(RUNPOD, clock)
    assert admitted(limiter, 600) == 600
    clock.now = 5.0
    assert admitted(limiter, 600) == 400
    clock.now = 9.9
    assert admitted(limiter, 1) == 0
    clock.now = 10.0
    assert admitted(limiter, 1000) == 600


def test_so_many_at_once() -> None:
    limiter = EndpointRates({"cancel": Rate(100, 2)}, HandClock())
    assert [limiter.admit("cancel") for _ in range(3)] == [True, True, False]
    limiter.done("cancel")
    assert limiter.admit("cancel")


def test_a_limit_that_the_client_does_not_know() -> None:
    limiter = EndpointRates(at_most(3, window_s=1.0), clock := HandClock())
    assert admitted(limiter, 10) == 3
    clock.now = 1.0
    assert admitted(limiter, 10) == 3
    assert limiter.admit("status")


def test_no_limits() -> None:
    assert admitted(EndpointRates(UNLIMITED, HandClock()), 5000) == 5000
