"""One parcel's way to its answers, on a stage whose requests are lists of numbers."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framefleet.errors import (
    AuthError,
    BadReplyError,
    FleetError,
    JobFailedError,
    JobLostError,
    SetupError,
    TooLargeError,
    UnreachableError,
)
from framefleet.fleet.backends.base import Job
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.delivery import BatchDelivery
from framefleet.fleet.execution.jobs import Sent
from framefleet.fleet.execution.retry import RetryPolicy
from framefleet.journal.store import Journal
from framefleet.progress import Event, silent
from framefleet.stages.base import Answer, RequestBatch


class Fact(msgspec.Struct, frozen=True):
    index: int


class Numbers(msgspec.Struct, frozen=True):
    numbers: list[int]


class NumberStage:
    """Asks for numbers and wants each of them back."""

    name = "numbers"

    def split(self, parcel: RequestBatch[Numbers]) -> list[RequestBatch[Numbers]]:
        middle = len(parcel.facts) // 2
        return [self.subset(parcel, h) for h in (parcel.facts[:middle], parcel.facts[middle:])] if middle else [parcel]

    def payload_count(self, parcel: RequestBatch[Numbers]) -> int:
        return len(parcel.facts)

    def subset(self, parcel: RequestBatch[Numbers], facts: Sequence[Fact]) -> RequestBatch[Numbers]:
        return RequestBatch(Numbers([fact.index for fact in facts]), tuple(facts))

    def parse(self, facts: Sequence[Fact], output: Any) -> Numbers:
        if not isinstance(output, list):
            raise BadReplyError("not a list")
        return Numbers([fact.index for fact in facts if fact.index in output])

    def part(self, reply: Numbers, fact: Fact) -> Numbers | None:
        return Numbers([fact.index]) if fact.index in reply.numbers else None

    def reindex(self, answer: Answer[Numbers], index: int) -> Answer[Numbers]:
        return Answer((Fact(index),), Numbers([index]))

    def fact_type(self) -> Any:
        return Fact

    def reply_type(self) -> Any:
        return Numbers


@dataclass
class Outcome:
    answered: list[int]
    failed: list[int]
    requests: list[list[int]]
    exchange: BatchDelivery


def parcel(count: int) -> RequestBatch[Numbers]:
    return RequestBatch(Numbers(list(range(count))), tuple(Fact(n) for n in range(count)))


def exchanged(
    count: int,
    answer: Callable[[list[int]], Any],
    *,
    attempts: int = 3,
    journal: Journal | None = None,
) -> Outcome:
    """What comes of asking for `count` numbers of something that answers a request with `answer(numbers)`."""
    stage: Any = NumberStage()
    keys = {n: f"key {n}" for n in range(count)}
    keeper = WorkClaims(stage, "numbers x", keys, journal, silent, sleep=lambda _: None)
    requests = []

    def ask(request: Numbers, note: Callable[[Sent], None], known: Sent | None) -> Any:
        requests.append(list(request.numbers))
        note(Sent(Job("numbers", f"job {len(requests)}"), 0))
        return answer(request.numbers)

    exchange = BatchDelivery(stage, keeper, ask, RetryPolicy(attempts, patience_s=1e9), sleep=lambda _: None)
    exchange.run(parcel(count))
    answered = [fact.index for a in exchange.answers for fact in a.facts]
    failed = [fact.index for f in exchange.failures for fact in f.facts]
    return Outcome(answered, failed, requests, exchange)


def raising(error: FleetError, times: int) -> Callable[[list[int]], Any]:
    """Fails so many times and then answers all."""
    left = [error] * times

    def answer(numbers: list[int]) -> Any:
        if left:
            raise left.pop()
        return numbers

    return answer


def test_what_is_left_out_is_asked_again_alone() -> None:
    halves = iter([True, True, False])
    outcome = exchanged(8, lambda numbers: numbers[::2] if next(halves) else numbers)
    assert outcome.requests == [[0, 1, 2, 3, 4, 5, 6, 7], [1, 3, 5, 7], [3, 7]]
    assert sorted(outcome.answered) == list(range(8))
    assert outcome.failed == []


def test_what_is_left_out_each_time_fails_and_the_rest_is_answered() -> None:
    outcome = exchanged(4, lambda numbers: [n for n in numbers if n != 2])
    assert sorted(outcome.answered) == [0, 1, 3]
    assert outcome.failed == [2]
    assert outcome.exchange.failures[0].attempts == 3


def test_a_request_too_large_is_asked_in_halves_until_it_fits() -> None:
    def answer(numbers: list[int]) -> Any:
        if len(numbers) > 3:
            raise TooLargeError("too large")
        return numbers

    outcome = exchanged(10, answer)
    assert sorted(outcome.answered) == list(range(10))
    assert all(len(r) <= 3 for r in outcome.requests if r not in ([*range(10)], [*range(5)], [*range(5, 10)]))


def test_one_too_large_by_itself_fails_alone() -> None:
    def answer(numbers: list[int]) -> Any:
        if 3 in numbers:
            raise TooLargeError("too large")
        return numbers

    outcome = exchanged(8, answer)
    assert sorted(outcome.answered) == [0, 1, 2, 4, 5, 6, 7]
    assert outcome.failed == [3]


@pytest.mark.parametrize(("times", "fails"), [(2, False), (3, True)])
def test_a_failing_worker_is_asked_max_attempts_times(times: int, fails: bool) -> None:
    outcome = exchanged(2, raising(JobFailedError("x"), times))
    assert bool(outcome.failed) == fails
    assert len(outcome.requests) == 3


def test_a_network_that_is_away_costs_no_attempts() -> None:
    assert exchanged(2, raising(UnreachableError("x"), 50)).answered == [0, 1]


@pytest.mark.parametrize("error", [AuthError("wrong key"), SetupError("no model")])
def test_what_ends_the_run_is_asked_once_and_told(error: Any) -> None:
    outcome = exchanged(2, raising(error, 9))
    assert (len(outcome.requests), outcome.failed) == (1, [0, 1])
    assert outcome.exchange.error is error


faults = st.lists(
    st.sampled_from(["ok", "half", "none", "failed", "away", "large", "nonsense"]), max_size=30
)  # then all is well


@given(st.integers(1, 12), faults)
def test_every_piece_is_answered_or_failed_exactly_once_whatever_happens(count: int, script: list[str]) -> None:
    steps = iter(script)

    def answer(numbers: list[int]) -> Any:
        match next(steps, "ok"):
            case "half":
                return numbers[: len(numbers) // 2]
            case "none":
                return None
            case "nonsense":
                return [99, *numbers, *numbers]
            case "failed":
                raise JobFailedError("x")
            case "away":
                raise UnreachableError("x")
            case "large":
                raise TooLargeError("x")
        return numbers

    outcome = exchanged(count, answer)
    assert sorted(outcome.answered + outcome.failed) == list(range(count))


def test_all_that_is_answered_is_kept_and_never_asked_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite3")
    try:
        first = exchanged(6, lambda numbers: [n for n in numbers if n != 4], attempts=1, journal=journal)
        assert first.failed == [4]
        second = exchanged(6, lambda numbers: numbers, journal=journal)
        assert second.requests == [[4]]
        assert sorted(second.answered) == list(range(6))
        assert journal.adopt("numbers x", [f"key {n}" for n in range(6)]) == []
    finally:
        journal.close()


def test_what_another_process_holds_is_waited_for_and_taken_from_it(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite3"
    other, journal = Journal(path, owner="elsewhere:1:aa"), Journal(path)
    held = other.claim("numbers x", {"key 1": b'{"index":1}'})
    stage: Any = NumberStage()
    waits = []

    def meanwhile(_: float) -> None:
        waits.append(1)
        if len(waits) == 3:
            other.keep({"key 1": msgspec.json.encode([(Fact(7), Numbers([7]))])})
            other.release(held.id)

    keys = {n: f"key {n}" for n in range(3)}
    keeper = WorkClaims(stage, "numbers x", keys, journal, silent, sleep=meanwhile)
    asked = []

    def ask(request: Numbers, note: Any, known: Any) -> Any:
        asked.append(request.numbers)
        return request.numbers

    exchange = BatchDelivery(stage, keeper, ask, RetryPolicy(), sleep=lambda _: None)
    exchange.run(parcel(3))
    assert asked == [[0, 2]]
    assert sorted(fact.index for a in exchange.answers for fact in a.facts) == [0, 1, 2]
    other.close()
    journal.close()


def test_a_job_that_nobody_could_tell_of_is_asked_after_again_and_not_anew() -> None:
    stage: Any = NumberStage()
    asked: list[str] = []

    def ask(request: Numbers, note: Callable[[Sent], None], known: Sent | None) -> Any:
        if known is None:
            asked.append("anew")
            note(Sent(Job("numbers", f"job {len(asked)}"), 0))
        else:
            asked.append(known.job.id)
        if len(asked) in {1, 2}:
            raise UnreachableError("no status for 300 s")
        if len(asked) == 3:
            raise JobLostError("it is gone")
        return request.numbers

    keeper = WorkClaims(stage, "numbers x", {0: "key 0"}, None, silent)
    exchange = BatchDelivery(stage, keeper, ask, RetryPolicy(1, patience_s=1e9), sleep=lambda _: None)
    exchange.run(parcel(1))
    assert asked == ["anew", "job 1", "job 1", "anew"]
    assert [answer.facts for answer in exchange.answers] == [(Fact(0),)]


def test_a_thread_that_comes_back_after_the_run_s_end_says_nothing(tmp_path: Path) -> None:
    stage: Any = NumberStage()
    journal, said = Journal(tmp_path / "journal.sqlite3"), list[Event]()
    keeper = WorkClaims(stage, "numbers x", {0: "key 0"}, journal, said.append)
    journal.close()
    keeper.keep({0: [(Fact(0), Numbers([0]))]})
    assert said == []


def test_a_kept_answer_that_cannot_be_read_is_asked_for_again(tmp_path: Path) -> None:
    """An answer with a NaN in it is kept as null, which is no number."""
    journal, stage = Journal(tmp_path / "journal.sqlite3"), NumberStage()
    journal.keep({"key 0": b'[[{"index":0},{"numbers":[null]}]]', "key 1": b'[[{"index":1},{"numbers":[1]}]]'})
    keeper = WorkClaims(stage, "numbers x", {0: "key 0", 1: "key 1"}, journal, silent)  # type: ignore[arg-type]
    assert [answer.facts for answer in keeper.known()] == [(Fact(1),)]
    assert exchanged(2, lambda numbers: numbers, journal=journal).requests == [[0]]


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("method", ["keep", "sent", "release", "leave"])
@pytest.mark.parametrize("fault", [TypeError("a row is None"), sqlite3.InterfaceError("bad parameter")])
def test_whatever_goes_wrong_in_writing_an_answer_is_in_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, fault: Exception, times: int
) -> None:
    """Paid for is paid for; what only stumbles once is kept in the journal all the same."""
    written, left = getattr(Journal, method), [fault] * times

    def stumble(self: Journal, *arguments: Any) -> None:
        if left:
            with self._told():
                raise left.pop()
        written(self, *arguments)

    monkeypatch.setattr(Journal, method, stumble)
    journal = Journal(tmp_path / "journal.sqlite3")
    outcome = exchanged(4, lambda numbers: numbers, journal=journal)
    assert (sorted(outcome.answered), outcome.failed, len(outcome.requests)) == ([0, 1, 2, 3], [], 1)
    if times == 1 and isinstance(fault, TypeError):
        assert len(journal.answers([f"key {n}" for n in range(4)])) == 4
    journal.close()


class Half(Fact, frozen=True):
    part: int = 0


class HalvingStage(NumberStage):
    """Halves one piece in itself, as a clip of sound is."""

    def split(self, parcel: RequestBatch[Numbers]) -> list[RequestBatch[Numbers]]:
        return [RequestBatch(parcel.request, (Half(fact.index, part),)) for fact in parcel.facts for part in (1, 2)]

    def subset(self, parcel: RequestBatch[Numbers], facts: Sequence[Fact]) -> RequestBatch[Numbers]:
        return parcel


def left_behind(journal: Journal, answer: Callable[[int], Any], stage: Any = None) -> list[str]:
    """The jobs that a run which asked for one number leaves to the next; `answer(n)` is the n-th request's."""
    keeper = WorkClaims(stage or NumberStage(), "numbers x", {0: "key 0"}, journal, silent)
    asked = []

    def ask(request: Numbers, note: Callable[[Sent], None], known: Sent | None) -> Any:
        asked.append(request)
        note(Sent(Job("numbers", f"job {len(asked)}"), 0))
        return answer(len(asked))

    exchange = BatchDelivery(stage or NumberStage(), keeper, ask, RetryPolicy(1, patience_s=0), sleep=lambda _: None)
    exchange.run(RequestBatch(Numbers([0]), (Half(0),) if stage else (Fact(0),)))
    journal.close()
    with_next = Journal(journal.path)
    try:
        return [orphan.job_id for orphan in with_next.adopt("numbers x", ["key 0"])]
    finally:
        with_next.close()


@pytest.mark.parametrize(
    ("over", "left"), [(True, []), (False, ["job 1"])], ids=["a failed job", "a job nobody could ask after"]
)
def test_a_job_that_may_have_been_done_is_left_for_the_next_run_to_ask_after(
    tmp_path: Path, over: bool, left: list[str]
) -> None:
    def answer(_: int) -> Any:
        error = UnreachableError("the network went away while the job was at work")
        error.receipt = "what the service said" if over else None
        raise error

    assert left_behind(Journal(tmp_path / "journal.sqlite3"), answer) == left


def test_the_job_of_half_a_piece_is_not_taken_for_the_job_of_all_of_it(tmp_path: Path) -> None:
    """Killed while a half was at work, the next run would have taken its answer for the whole clip's."""

    class Killed(BaseException):
        pass

    def answer(number: int) -> Any:
        if number == 1:
            raise TooLargeError("too large")
        raise Killed

    journal = Journal(tmp_path / "journal.sqlite3")
    with pytest.raises(Killed):
        left_behind(journal, answer, HalvingStage())
    journal.close()
    again = Journal(journal.path)
    assert [orphan.job_id for orphan in again.adopt("numbers x", ["key 0"])] == ["job 1"]
    again.close()
