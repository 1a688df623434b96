import threading

import pytest

from framefleet.errors import FleetError, StalledError, UnreachableError
from framefleet.fleet.backend import Health
from framefleet.fleet.hedge import ENOUGH, SHARE, Hedge
from framefleet.fleet.limits import Level
from framefleet.fleet.polling import LONGEST_S, SHORTEST_S, Polling
from framefleet.fleet.watch import QUIET_S, Watch, reason
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
        ({"running": 3}, "at work"),
    ],
)
def test_the_reason_for_waiting_is_told(workers: dict[str, int], words: str) -> None:
    assert words in reason(Health({"inQueue": 4}, workers))


class Sick:
    """A backend of which only the health is asked."""

    def __init__(self, answer: Health | FleetError) -> None:
        self.answer = answer

    def health(self, endpoint: str) -> Health:
        if isinstance(self.answer, FleetError):
            raise self.answer
        return self.answer


def watching(answer: Health | FleetError, *, busy: bool = True) -> tuple[Watch, Time, list[Event], list[FleetError]]:
    time, told, ended = Time(), [], []
    watch = Watch(
        "objects", Sick(answer), "yolo", Level(5, 5), told.append, ended.append,  # type: ignore[arg-type]
        busy=lambda: busy, patience_s=300, clock=time,
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
    look = watch._backend.health

    def slowly(endpoint: str) -> Health:
        time.now += 60
        watch.moved()
        return look(endpoint)

    watch._backend.health = slowly  # type: ignore[method-assign]
    watch.look()
    assert ended == []


def test_whoever_is_told_may_be_gone_and_the_endpoint_is_watched_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framefleet.fleet.watch.LOOK_S", 0.001)
    told, ended = threading.Event(), threading.Event()

    def gone(_: Event) -> None:
        told.set()
        raise BrokenPipeError

    time = Time()
    watch = Watch(
        "objects", Sick(Health({}, {"throttled": 1})), "yolo", Level(5, 5), gone, lambda _: ended.set(),  # type: ignore[arg-type]
        busy=lambda: True, patience_s=300, clock=time,
    )  # fmt: skip
    time.now = QUIET_S + 1
    watch.start()
    assert told.wait(30)
    time.now = 301
    assert ended.wait(30)
    watch.close()
    watch.join()
