"""What an endpoint may cost of which nothing good comes, and that a good one is not given up for bad luck."""

import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.cancel import CancelScope
from framefleet.errors import (
    BadReplyError,
    FleetError,
    FrameFleetError,
    HopelessError,
    JobFailedError,
    JobLostError,
    NotDoneError,
    OutOfMemoryError,
    RateLimitedError,
    RefusedError,
    StalledError,
    UnreachableError,
)
from framefleet.fleet.backends.base import Receipt
from framefleet.fleet.execution.breaker import (
    ENOUGH,
    NEVER_GOOD,
    NO_LONGER_GOOD,
    TRIALS,
    Breaker,
)
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.concurrency import AdaptiveConcurrency
from framefleet.fleet.execution.delivery import BatchDelivery
from framefleet.fleet.execution.dispatcher import Dispatcher
from framefleet.fleet.execution.retry import RetryPolicy
from framefleet.progress import Event, ItemFailed, silent
from framefleet.stages.base import RequestBatch
from tests.fleet.test_asking import Scripted
from tests.fleet.test_dispatch import Counting
from tests.fleet.test_exchange import Fact, Numbers, NumberStage
from tests.fleet.test_exchange import parcel as numbers

BATCH, REQUESTS = 16, 40
CUDA = "CUDA error: no kernel image is available"


def asked(breaker: Breaker, error: FleetError | None = None) -> int | None:
    """One request and what came of it; gives which trial it was."""
    trials = list[int | None]()
    with suppress(type(error)) if error else nullcontext(), breaker.request() as trial:
        trials.append(trial)
        if error is not None:
            raise error
    return trials[0]


def test_it_opens_after_a_few_failures_and_two_trials() -> None:
    breaker = Breaker("objects")
    assert [asked(breaker, JobFailedError(CUDA)) for _ in range(NEVER_GOOD + TRIALS)] == [None] * NEVER_GOOD + [0, 1]
    with pytest.raises(HopelessError, match=r"objects: 7 requests in a row failed and none was answered.*CUDA error"):
        asked(breaker)


def test_a_good_answer_begins_the_row_anew_and_from_then_on_it_may_be_longer() -> None:
    breaker = Breaker("objects")
    for _ in range(NEVER_GOOD - 1):
        asked(breaker, JobFailedError("x"))
    asked(breaker)
    for _ in range(NO_LONGER_GOOD):
        assert asked(breaker, JobFailedError("x")) is None
    assert asked(breaker, JobFailedError("x")) == 0
    asked(breaker, JobFailedError("x"))
    with pytest.raises(HopelessError, match="none was answered since"):
        asked(breaker)


def test_a_trial_that_goes_well_lets_all_through() -> None:
    breaker = Breaker("objects")
    for _ in range(NEVER_GOOD):
        asked(breaker, JobFailedError("x"))
    assert asked(breaker) == 0
    assert asked(breaker) is None


@pytest.mark.parametrize(
    "error", [UnreachableError("x"), RateLimitedError("x"), JobLostError("x"), StalledError("x"), ValueError("x")]
)
def test_what_nobody_is_paid_for_does_not_count(error: Any) -> None:
    breaker = Breaker("objects")
    for _ in range(100):
        assert asked(breaker, error) is None
    assert not breaker.failed


def receipted(error: FleetError) -> FleetError:
    error.receipt = Receipt("w", 0, 100)
    return error


@pytest.mark.parametrize(
    "error",
    [JobFailedError("x"), BadReplyError("x"), RefusedError("x"), OutOfMemoryError("x"), receipted(NotDoneError("x"))],
)
def test_what_a_worker_is_paid_for_counts(error: FleetError) -> None:
    breaker = Breaker("objects")
    asked(breaker, error)
    assert breaker.failed == {"x": 1}


def test_who_is_held_waits_for_what_is_at_work_and_goes_on_if_that_is_good() -> None:
    """One sick worker fails at once what others need a while for."""
    breaker, at_work, go, passed = Breaker("objects"), threading.Event(), threading.Event(), threading.Event()

    def healthy() -> None:
        with breaker.request():
            at_work.set()
            assert go.wait(30)

    def held() -> None:
        assert asked(breaker) is None  # and no trial
        passed.set()

    threads = [threading.Thread(target=healthy), threading.Thread(target=held)]
    threads[0].start()
    assert at_work.wait(30)
    for _ in range(NEVER_GOOD):
        asked(breaker, JobFailedError("x"))
    threads[1].start()
    assert not passed.wait(0.05)
    go.set()
    assert passed.wait(30)
    for thread in threads:
        thread.join(30)


def test_what_is_at_work_is_not_waited_for_for_ever() -> None:
    breaker = Breaker("objects")
    with breaker.request():
        failures = [breaker.request() for _ in range(NEVER_GOOD * ENOUGH)]
        for request in failures:
            request.__enter__()
        for request in failures:
            with suppress(JobFailedError):
                request.__exit__(JobFailedError, JobFailedError("x"), None)
        with pytest.raises(HopelessError):
            asked(breaker)


def test_who_waits_hears_of_the_stage_s_end() -> None:
    scope, heard = CancelScope(), list[FrameFleetError]()
    breaker = Breaker("objects", scope=scope)

    def waiting() -> None:
        try:
            asked(breaker)
        except StalledError as error:
            heard.append(error)

    with breaker.request():
        for _ in range(NEVER_GOOD):
            asked(breaker, JobFailedError("x"))
        thread = threading.Thread(target=waiting)
        thread.start()
        scope.cancel(StalledError("nothing moves"))
        thread.join(30)
    assert [str(error) for error in heard] == ["nothing moves"]


# With parcels and threads


def run(
    answer: Callable[[list[int]], Any], *, requests: int = REQUESTS, workers: int = 5, policy: RetryPolicy | None = None
) -> tuple[Any, list[list[int]], list[Event]]:
    """What a stage comes to on an endpoint that answers so, what was executed, and what a person was told."""
    executed, told, lock = list[list[int]](), list[Event](), threading.Lock()
    stage: Any = Counting()
    stage.parse = NumberStage().parse
    backend = Scripted()
    asker = EndpointClient(
        backend, "numbers", began=0, level=AdaptiveConcurrency(workers, workers), breaker=Breaker("numbers")
    )

    def ask(request: Any, note: Any, known: Any = None) -> Any:
        with lock:
            executed.append(list(request.numbers))
        return answer(request.numbers)

    asker.ask = ask  # type: ignore[method-assign]
    asker.rest = lambda _: None  # type: ignore[method-assign]
    keeper = WorkClaims(stage, "numbers x", {n: f"key {n}" for n in range(requests * BATCH)}, None, silent)

    def pack(first: int) -> RequestBatch[Numbers]:
        return RequestBatch(Numbers([*range(first, first + BATCH)]), tuple(map(Fact, range(first, first + BATCH))))

    dispatcher = Dispatcher(
        stage, pack, asker, keeper, workers=workers, listener=told.append, policy=policy or RetryPolicy()
    )
    for number in range(requests):
        dispatcher.put(number, number * BATCH, BATCH)
    return dispatcher.finish(), executed, told


def failing(_: list[int]) -> Any:
    raise JobFailedError(CUDA)


def refusing(_: list[int]) -> Any:
    raise RefusedError("model_mismatch: yolo11m was asked for, and yolo11n is here")


@pytest.mark.parametrize(
    "answer",
    [failing, refusing, lambda _: "text", lambda _: None, lambda _: {"url": "https://a"}, lambda _: []],
    ids=["fails", "refuses", "text", "nothing", "a URL", "none of them"],
)
@pytest.mark.parametrize("workers", [1, 5])
def test_an_endpoint_that_is_never_good_is_paid_for_a_few_requests(
    answer: Callable[[list[int]], Any], workers: int
) -> None:
    outcome, executed, told = run(answer, workers=workers)
    assert len(executed) <= 15
    assert isinstance(outcome.fatal, HopelessError)
    assert len({fact.index for failure in outcome.failures for fact in failure.facts}) == REQUESTS * BATCH
    said = {event.error for event in told if isinstance(event, ItemFailed)}
    assert len([words for words in said if "no more are paid for" in words]) == 1


def poisoned(*poison: int) -> Callable[[list[int]], Any]:
    def answer(numbers: list[int]) -> Any:
        if set(poison) & set(numbers):
            raise JobFailedError("the worker died")
        return numbers

    return answer


@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize("requests", [1, 3, REQUESTS])
@pytest.mark.parametrize("poison", [(3,), (0, 15), (7, 8)], ids=str)
def test_one_poisoned_piece_costs_itself_alone(poison: tuple[int, ...], requests: int, workers: int) -> None:
    outcome, executed, _ = run(poisoned(*poison), requests=requests, workers=workers)
    assert outcome.fatal is None
    assert sorted(fact.index for failure in outcome.failures for fact in failure.facts) == list(poison)
    answered = [fact.index for answer in outcome.answers for fact in answer.facts]
    assert sorted([*answered, *poison]) == list(range(requests * BATCH))  # each once
    assert len(executed) <= requests + 20


@pytest.mark.parametrize("workers", [1, 5, 16])
def test_a_poisoned_piece_in_each_request_does_not_end_the_stage(workers: int) -> None:
    poison = range(3, 10 * BATCH, BATCH)
    outcome, _, _ = run(poisoned(*poison), requests=10, workers=workers)
    assert outcome.fatal is None
    assert sorted(fact.index for failure in outcome.failures for fact in failure.facts) == list(poison)


@pytest.mark.parametrize("workers", [1, 5])
def test_requests_that_are_too_much_for_a_worker_which_does_not_say_so_are_asked_in_parts(workers: int) -> None:
    def small(asked: list[int]) -> Any:
        if len(asked) > 4:
            raise JobFailedError("CUDA out of memory")
        return asked

    outcome, _, _ = run(small, requests=10, workers=workers)
    assert (outcome.fatal, outcome.failures) == (None, [])
    assert sorted(f.index for a in outcome.answers for f in a.facts) == list(range(10 * BATCH))


def test_an_endpoint_that_breaks_in_the_middle_is_given_up_too() -> None:
    left = iter(range(20))

    def answer(asked: list[int]) -> Any:
        if next(left, None) is None:
            raise JobFailedError(CUDA)
        return asked

    outcome, executed, _ = run(answer, workers=1)  # of several, a good answer that comes late begins the row anew
    assert isinstance(outcome.fatal, HopelessError)
    assert len(executed) <= 20 + NO_LONGER_GOOD + TRIALS + 1
    assert len(outcome.answers) == 20


def test_where_each_may_be_paid_for_once_nothing_is_asked_again() -> None:
    outcome, executed, _ = run(poisoned(3), requests=3, policy=RetryPolicy(1))
    assert len(executed) == 3
    assert len(outcome.failures[0].facts) == BATCH


@given(st.sets(st.integers(0, 63), max_size=12), st.integers(1, 4))
def test_whatever_is_poisoned_is_named_and_nothing_else(poison: set[int], attempts: int) -> None:
    """With a breaker that never opens: it is for how many are poisoned in a row."""
    stage: Any = NumberStage()
    asker = EndpointClient(Scripted(), "numbers", began=0, level=AdaptiveConcurrency(1, 1))
    keeper = WorkClaims(stage, "numbers x", {n: f"key {n}" for n in range(64)}, None, silent)
    answer = poisoned(*poison)
    exchange = BatchDelivery(
        stage, keeper, lambda r, *_: answer(r.numbers), RetryPolicy(attempts), lambda _: None, asker.place
    )
    exchange.run(numbers(64))
    failed = sorted(fact.index for failure in exchange.failures for fact in failure.facts)
    answered = sorted(fact.index for answer in exchange.answers for fact in answer.facts)
    assert sorted(failed + answered) == list(range(64))
    assert failed == (sorted(poison) if attempts > 1 or not poison else list(range(64)))
