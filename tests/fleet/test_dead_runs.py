"""Jobs of a run that died are asked after by the next one, whenever it dies: they are paid for already."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from framefleet.errors import JobLostError, UnreachableError
from framefleet.fleet.backends.base import Job
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.delivery import BatchDelivery
from framefleet.fleet.execution.jobs import Sent
from framefleet.fleet.execution.retry import RetryPolicy
from framefleet.journal.store import Journal
from framefleet.progress import Event, Notice
from framefleet.stages.base import RequestBatch
from tests.fleet.test_exchange import Fact, Numbers, NumberStage


class Two:
    """A run that submitted `facts` in one job and was killed, and the next one, whose `attend` the test gives."""

    def __init__(self, path: Path, facts: list[int], attend: Callable[[str], Any]) -> None:
        self.dead = Journal(path, owner="elsewhere:1:aa")
        encoded = {f"key {n}": msgspec.json.encode(Fact(n)) for n in facts}
        self.dead.sent(self.dead.claim("numbers x", encoded).id, "job 1")
        self.notices: list[str] = []
        self.asked: list[list[int]] = []
        self.journal = Journal(path)
        self._stage: Any = NumberStage()
        self._keys = {n: f"key {n}" for n in range(4)}
        self.keeper = WorkClaims(
            self._stage, "numbers x", self._keys, self.journal, self._listen, attend=attend, sleep=self._waiting
        )

    def _listen(self, event: Event) -> None:
        assert isinstance(event, Notice)
        self.notices.append(event.text)

    def _waiting(self, _: float) -> None:
        """The other run dies while this one waits for its answers."""
        with self.dead._transaction() as db:
            db.execute("DELETE FROM owners WHERE name = 'elsewhere:1:aa'")

    def run(self, facts: list[int]) -> BatchDelivery:
        def ask(request: Numbers, note: Callable[[Sent], None], known: Sent | None) -> Any:
            self.asked.append(request.numbers)
            note(Sent(Job("numbers", "job 2"), 0))
            return request.numbers

        exchange = BatchDelivery(self._stage, self.keeper, ask, RetryPolicy(1, patience_s=0), sleep=lambda _: None)
        exchange.run(RequestBatch(Numbers(facts), tuple(Fact(n) for n in facts)))
        return exchange

    def close(self) -> None:
        self.journal.close()
        self.dead.close()


def answered(exchange: BatchDelivery) -> list[int]:
    return sorted(fact.index for answer in exchange.answers for fact in answer.facts)


def test_the_job_of_a_run_that_dies_meanwhile_is_asked_for_and_nothing_anew(tmp_path: Path) -> None:
    attended = []

    def attend(job: str) -> Any:
        attended.append(job)
        return [1, 2]

    two = Two(tmp_path / "journal.sqlite3", [1, 2], attend)
    first, second = two.run([0, 1]), two.run([2, 3])
    assert (attended, two.asked) == (["job 1"], [[0], [3]])
    assert (answered(first), answered(second)) == ([0, 1], [2, 3])
    assert two.notices == [
        "numbers: another run has sent 2 of these; waiting for its answers",
        "numbers: picking up jobs of another run that has ended",
    ]
    two.close()


@pytest.mark.parametrize("lost", [False, True])
def test_pieces_beside_those_of_a_dead_runs_job_are_asked_too(lost: bool, tmp_path: Path) -> None:
    def attend(_: str) -> Any:
        if lost:
            raise JobLostError("no such job")
        return [0, 1]

    two = Two(tmp_path / "journal.sqlite3", [0, 1], attend)
    two._waiting(0)
    exchange = two.run([0, 1, 2, 3])
    assert (answered(exchange), exchange.failures) == ([0, 1, 2, 3], [])
    assert two.asked == ([[0, 1, 2, 3]] if lost else [[2, 3]])
    two.close()


def test_what_the_job_of_a_dead_run_did_not_answer_is_asked_anew(tmp_path: Path) -> None:
    two = Two(tmp_path / "journal.sqlite3", [0, 1], lambda _: [1])
    assert answered(two.run([0, 1])) == [0, 1]
    assert two.asked == [[0]]
    two.close()


def test_a_lost_job_of_a_dead_run_is_asked_anew(tmp_path: Path) -> None:
    def attend(_: str) -> Any:
        raise JobLostError("no such job")

    two = Two(tmp_path / "journal.sqlite3", [0, 1], attend)
    assert answered(two.run([0, 1])) == [0, 1]
    assert two.asked == [[0, 1]]
    two.close()


def test_a_dead_runs_job_that_nobody_can_ask_after_now_is_neither_paid_again_nor_forgotten(tmp_path: Path) -> None:
    def attend(_: str) -> Any:
        raise UnreachableError("the network is away")

    two = Two(tmp_path / "journal.sqlite3", [0, 1], attend)
    exchange = two.run([0, 1])
    assert (two.asked, [failure.error for failure in exchange.failures]) == ([], ["the network is away"])
    assert [orphan.job_id for orphan in two.journal.adopt("numbers x", ["key 0"])] == ["job 1"]
    two.close()
