import threading
from typing import Any

import pytest

from framefleet.errors import (
    FleetError,
    RateLimitedError,
    StalledError,
    UnreachableError,
)
from framefleet.fleet.backends.base import Health
from framefleet.fleet.backends.runpod.backend import LONGEST_S, SHORTEST_S, Polling
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.hedging import ENOUGH, SHARE, Hedge
from framefleet.fleet.execution.stall import (
    AGAIN_S,
    LOOK_S,
    QUIET_S,
    EndpointWatch,
    StallMonitor,
    reason,
)
from framefleet.progress import Event, Notice
from tests.fleet.test_retry import Time


def test_a_second_sending_comes_after_the_95th_percentile_of_enough_answers() -> None:
    hedge = Hedge()
    for n in range(ENOUGH - 1):
        hedge.answered(n / 10)
    assert hedge.after_s() is None
    hedge.answered(5.0)
    assert hedge.after_s() == pytest.approx(5.0)


def test_at_most_two_in_a_hundred_are_sent_twice() -> None:
    hedge = Hedge()
    sent = 0
    for _ in range(1000):
        hedge.answered(0.2)
        sent += hedge.take()
    assert 0 < sent <= SHARE * 1000 + 1


def test_polling_learns_how_long_jobs_take() -> None:
    polling = Polling()
    assert polling.interval(0) == SHORTEST_S
    for _ in range(50):
        polling.finished(1.0)
    assert polling.interval(0) == pytest.approx(0.8)
    assert polling.interval(0.8) == pytest.approx(0.096)
    assert polling.interval(1000) == LONGEST_S


@pytest.mark.parametrize(
    ("workers", "words"),
    [
        ({"initializing": 2}, "cold start"),
        ({"throttled": 1}, "throttled"),
        ({"unhealthy": 1}, "unhealthy"),
        ({}, "no workers"),
        ({"running": 3}, "3 workers are running"),
    ],
)
def test_the_reason_for_waiting_is_told(workers: dict[str, int], words: str) -> None:
    assert words in reason(Health({"inQueue": 4}, workers))


@pytest.mark.parametrize(
    ("health", "words"),
    [
        (Health({"inQueue": 0}, {}, transfers=5), "5 requests or replies are being transferred; the network is slow"),
        (Health({"inQueue": 0, "inProgress": 0}, {"idle": 3}, transfers=1), "1 request or reply is being transferred"),
        (Health({"inQueue": 0, "inProgress": 0}, {"idle": 3}), "no jobs wait"),
        (Health({"inQueue": 2, "inProgress": 0}, {"idle": 3}), "idle and take no jobs"),
        (Health({"inQueue": 2}, {"running": 1}, transfers=1), "1 workers are running"),
    ],
    ids=str,
)
def test_a_slow_network_is_not_the_endpoint_s_fault(health: Health, words: str) -> None:
    assert words in reason(health)


def test_what_is_being_sent_is_waited_for_and_told_of() -> None:
    watch, time, told, ended = watching(Health({"inQueue": 0}, {}, transfers=2))
    look_until(watch, time, 1000, ended)
    assert ended == []
    assert "the network is slow" in texts(told)[0]
    watch._shared._backend.answer = Health({"inQueue": 0}, {})  # type: ignore[attr-defined]
    look_until(watch, time, 1020, ended)
    assert "no workers" in str(ended[0])


class Sick:
    """A backend of which only the health is asked."""

    def __init__(self, answer: Health | FleetError) -> None:
        self.answer = answer

    def health(self, endpoint: str) -> Health:
        if isinstance(self.answer, FleetError):
            raise self.answer
        return self.answer


def watching(
    answer: Health | FleetError, *, busy: bool = True, patience_s: float = 300, **settings: Any
) -> tuple[StallMonitor, Time, list[Event], list[FleetError]]:
    time, told, ended = Time(), [], []
    watch = StallMonitor(
        "objects", Sick(answer), "yolo", AdaptiveConcurrency(5, 5), told.append, ended.append,  # type: ignore[arg-type]
        busy=lambda: busy, patience_s=patience_s, clock=time, **settings,
    )  # fmt: skip
    return watch, time, told, ended


def test_nothing_is_said_while_things_move_and_the_reason_once_when_they_do_not() -> None:
    watch, time, told, ended = watching(Health({}, {"throttled": 1}))
    watch.look()
    assert told == []
    time.now = QUIET_S + 1
    watch.look()
    watch.look()
    assert len(told) == 1
    assert isinstance(told[0], Notice)
    assert "throttled" in told[0].text
    watch.moved()
    watch.look()
    assert len(told) == 1
    assert ended == []


@pytest.mark.parametrize("answer", [Health({}, {}), UnreachableError("cannot be reached")])
def test_patience_ends_with_the_reason(answer: Health | FleetError) -> None:
    watch, time, _, ended = watching(answer)
    time.now = 301
    watch.look()
    assert isinstance(ended[0], StalledError)
    assert "no workers" in str(ended[0]) or "cannot be reached" in str(ended[0])


def test_a_job_at_work_is_given_the_time_that_the_endpoint_allows_it() -> None:
    watch, time, _, ended = watching(Health({}, {"running": 1}))
    time.now = 301
    watch.look()
    assert ended == []
    time.now = 901
    watch.look()
    assert isinstance(ended[0], StalledError)


def test_an_endpoint_that_is_asked_nothing_is_not_stalled() -> None:
    watch, time, _, ended = watching(Health({}, {}), busy=False)
    time.now = 1000
    watch.look()
    assert ended == []


@pytest.mark.parametrize("answer", [Health({}, {"idle": 1}), UnreachableError("no answer in time")])
def test_what_moved_while_the_service_took_its_time_counts(answer: Health | FleetError) -> None:
    watch, time, _, ended = watching(answer)
    time.now = 301
    look = watch._shared._backend.health

    def slowly(endpoint: str) -> Health:
        time.now += 60
        watch.moved()
        return look(endpoint)

    watch._shared._backend.health = slowly  # type: ignore[method-assign]
    watch.look()
    assert ended == []


def test_whoever_is_told_may_be_gone_and_the_endpoint_is_watched_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framefleet.fleet.execution.stall.LOOK_S", 0.001)
    told, ended = threading.Event(), threading.Event()

    def gone(_: Event) -> None:
        told.set()
        raise BrokenPipeError

    time = Time()
    watch = StallMonitor(
        "objects", Sick(Health({}, {"throttled": 1})), "yolo", AdaptiveConcurrency(5, 5), gone, lambda _: ended.set(),  # type: ignore[arg-type]
        busy=lambda: True, patience_s=300, clock=time,
    )  # fmt: skip
    time.now = QUIET_S + 1
    watch.start()
    assert told.wait(30)
    time.now = 301
    assert ended.wait(30)
    watch.close()
    watch.join()


def test_the_monitors_of_one_endpoint_ask_its_health_together_and_any_ones_progress_counts() -> None:
    time, asked = Time(), list[float]()

    class Counting(Sick):
        def health(self, endpoint: str) -> Health:
            asked.append(time.now)
            return super().health(endpoint)

    level = AdaptiveConcurrency(5, 5)
    shared = EndpointWatch(Counting(Health({}, {"throttled": 1})), "yolo", level, clock=time)  # type: ignore[arg-type]
    ended: list[list[FleetError]] = [[], []]
    one, other = (
        StallMonitor(
            "objects", shared._backend, "yolo", level, lambda _: None, each.append,
            busy=lambda: True, patience_s=300, clock=time, shared=shared,
        )
        for each in ended
    )  # fmt: skip
    for now in range(0, 280, 5):
        time.now = now
        one.look()
        other.look()
    assert len(asked) == 56
    one.moved()
    time.now = 310
    other.look()
    assert ended == [[], []]  # the other has waited for 310 s, but the endpoint works
    time.now = 600
    other.look()
    assert len(ended[1]) == 1


STARTING, STUCK = Health({}, {"initializing": 2}), Health({}, {"idle": 1})


def look_until(watch: StallMonitor, time: Time, until_s: float, ended: list[FleetError]) -> None:
    """Looks as often as its thread does."""
    while time.now < until_s and not ended:
        time.sleep(watch._until_next())
        watch.look()


def texts(told: list[Event]) -> list[str]:
    return [event.text for event in told if isinstance(event, Notice)]


@pytest.mark.parametrize("patience_s", [1, 8, 20, 300])
@pytest.mark.parametrize("workers", [{}, {"running": 3}, {"idle": 2}], ids=str)
def test_what_keeps_all_from_being_asked_is_told_soon_and_patience_is_for_all_together(
    patience_s: float, workers: dict[str, int]
) -> None:
    """Also while others' jobs run: they are not this stage's."""
    too_many = RateLimitedError("endpoint x: too many requests (429)")
    watch, time, told, ended = watching(Health({}, workers), patience_s=patience_s, trouble=lambda: too_many)
    look_until(watch, time, min(15, patience_s * 0.9), ended)
    assert len(told) == 1
    assert "waiting; endpoint x: too many requests" in texts(told)[0]
    look_until(watch, time, 1e4, ended)
    assert patience_s <= time.now <= patience_s + 1
    assert "too many requests" in str(ended[0])
    assert len(told) == 1


def test_it_goes_on_by_itself_when_the_trouble_is_over() -> None:
    trouble: list[FleetError] = [RateLimitedError("too many")]
    watch, time, _, ended = watching(STUCK, trouble=lambda: trouble[0] if trouble else None)
    look_until(watch, time, 200, ended)
    trouble.clear()
    watch.moved()
    look_until(watch, time, 490, ended)
    assert ended == []


def test_trouble_is_told_also_where_health_does_not_answer() -> None:
    watch, time, told, _ = watching(UnreachableError("no answer in time"), trouble=lambda: RateLimitedError("too many"))
    look_until(watch, time, 16, [])
    assert texts(told) == ["objects: waiting; too many"]


@pytest.mark.parametrize(("cold_start_s", "ends_s"), [(900, 900), (20, 300), (0, 300)])
def test_a_start_that_is_under_way_is_waited_for_and_told_of(cold_start_s: float, ends_s: float) -> None:
    watch, time, told, ended = watching(STARTING, cold_start_s=cold_start_s)
    look_until(watch, time, 1e4, ended)
    assert ends_s <= time.now <= ends_s + LOOK_S
    assert "starting" in str(ended[0])
    assert ends_s / AGAIN_S - 2 <= len(told) <= ends_s / AGAIN_S + 1


def test_the_time_of_a_start_is_not_taken_off_the_patience() -> None:
    """The look at which the workers are there and none has begun is not the end of it."""
    watch, time, _, ended = watching(STARTING, cold_start_s=900)
    look_until(watch, time, 600, ended)
    watch._shared._backend.answer = STUCK  # type: ignore[attr-defined]
    look_until(watch, time, 890, ended)
    assert ended == []
    look_until(watch, time, 1e4, ended)
    assert 900 <= time.now <= 900 + 2 * LOOK_S


def test_workers_that_crash_when_they_start_are_not_waited_for_for_ever() -> None:
    watch, time, _, ended = watching(STARTING, cold_start_s=900)
    while not ended:
        for health in (STARTING, Health({}, {"unhealthy": 1})):
            watch._shared._backend.answer = health  # type: ignore[attr-defined]
            look_until(watch, time, time.now + 10, ended)
    assert time.now < 900


def test_who_knows_more_is_asked_and_quoted_and_asked_again_later() -> None:
    found = iter([None, "the image cannot be pulled", "the image cannot be pulled"])
    watch, time, told, ended = watching(STUCK, diagnose=lambda: next(found, None))
    look_until(watch, time, 90, ended)
    assert ["image" in text for text in texts(told)] == [False, True, True]


def test_who_knows_more_may_fail() -> None:
    def fails() -> str:
        raise UnreachableError("the management API is away")

    watch, time, told, ended = watching(STUCK, diagnose=fails)
    look_until(watch, time, 1e4, ended)
    assert told
    assert "idle" in str(ended[0])


@pytest.mark.parametrize("workers", [{"running": 1}, {"initializing": 1}], ids=str)
def test_an_endpoint_that_is_waited_for_is_not_looked_at_all_the_time(workers: dict[str, int]) -> None:
    watch, time, _, ended = watching(Health({}, workers), cold_start_s=900)
    looks = 0
    while time.now < 800:
        time.sleep(watch._until_next())
        watch.look()
        looks += 1
    assert ended == []
    assert looks <= 800 / LOOK_S + 2
