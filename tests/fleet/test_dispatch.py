"""How much a dispatcher has in hand."""

import threading
from typing import Any

import pytest

from framefleet.errors import StalledError
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.dispatcher import Dispatcher
from framefleet.progress import silent
from framefleet.stages.base import RequestBatch
from tests.fleet.test_asking import Scripted, done
from tests.fleet.test_exchange import Fact, Numbers, NumberStage


class Counting(NumberStage):
    def parse(self, facts: Any, output: Any) -> Numbers:
        return Numbers([fact.index for fact in facts])

    def count(self, reply: Numbers) -> int:
        return len(reply.numbers)


def test_no_more_is_in_hand_than_twice_what_is_asked_at_once_however_many_threads_there_are() -> None:
    """Without a ceiling there are many threads, and each request may be megabytes."""
    go, full, packed = threading.Event(), threading.Event(), []
    stage: Any = Counting()

    def wait(job: str, timeout_s: float) -> Any:
        go.wait(30)
        return done()

    def pack(number: int) -> RequestBatch[Any]:
        packed.append(number)
        if len(packed) == 6:
            full.set()
        return RequestBatch(Numbers([number]), (Fact(number),))

    asker = EndpointClient(Scripted(wait), "numbers", began=0, level=AdaptiveConcurrency(3, 3))
    keeper = WorkClaims(stage, "numbers x", {n: f"key {n}" for n in range(20)}, None, silent)
    dispatcher = Dispatcher(stage, pack, asker, keeper, workers=64, listener=silent)

    def feed() -> None:
        for number in range(20):
            dispatcher.put(number, number, 1)

    feeder = threading.Thread(target=feed)
    feeder.start()
    assert full.wait(30)
    feeder.join(0.1)  # time in which more would be put, if it could
    assert len(packed) == 6
    go.set()
    feeder.join(30)
    assert len(dispatcher.finish().answers) == 20


@pytest.mark.parametrize("taken", [False, True])
def test_where_no_thread_can_be_started_that_is_said_and_nothing_waits_for_it(
    taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool may have taken the work all the same, for a thread that it has: it is dealt with once."""
    stage: Any = Counting()
    keeper = WorkClaims(stage, "numbers x", {0: "key 0"}, None, silent)
    asker = EndpointClient(Scripted(), "numbers", began=0, level=AdaptiveConcurrency(1, 1))
    pack = lambda number: RequestBatch(Numbers([number]), (Fact(number),))  # noqa: E731
    dispatcher = Dispatcher(stage, pack, asker, keeper, workers=1, listener=silent)

    def submit(serve: Any, *work: Any) -> None:
        if taken:
            serve(*work)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(dispatcher._pool, "submit", submit)
    dispatcher.put(0, 0, 1)
    assert dispatcher.idle(0)
    outcome = dispatcher.finish()
    assert len(outcome.answers) == (1 if taken else 0)
    assert ["new thread" in failure.error for failure in outcome.failures] == ([] if taken else [True])


def test_whoever_waits_to_hand_something_over_goes_on_when_the_stage_is_cancelled() -> None:
    go, stage = threading.Event(), Counting()

    def wait(job: str, timeout_s: float) -> Any:
        go.wait(90)
        return done()

    asker = EndpointClient(Scripted(wait), "numbers", began=0, level=AdaptiveConcurrency(1, 1))
    keeper = WorkClaims(stage, "numbers x", {n: f"key {n}" for n in range(3)}, None, silent)  # type: ignore[arg-type]
    pack = lambda number: RequestBatch(Numbers([number]), (Fact(number),))  # noqa: E731
    dispatcher = Dispatcher(stage, pack, asker, keeper, workers=1, listener=silent)  # type: ignore[arg-type]
    feeder = threading.Thread(target=lambda: [dispatcher.put(number, number, 1) for number in range(3)])
    feeder.start()
    while not (asker.in_flight and any(call == dispatcher._wake for call, _ in list(asker.scope._callbacks.values()))):
        pass
    asker.scope.cancel(StalledError("nothing moves"))
    feeder.join(30)
    assert not feeder.is_alive()
    go.set()
    outcome = dispatcher.finish()
    assert len(outcome.answers) == 1  # which was at work
    assert [failure.error for failure in outcome.failures] == ["nothing moves"] * 2
