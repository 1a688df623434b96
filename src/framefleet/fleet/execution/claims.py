"""One stage's view of the journal: which work items are answered, which may be sent, and saving answers on arrival."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from framefleet.errors import (
    FleetError,
    JobLostError,
    OutputError,
    describe,
)
from framefleet.journal.store import Journal, Orphan
from framefleet.logs import logger
from framefleet.progress import Listener, Notice
from framefleet.stages.base import Answer, Codec
from framefleet.timebase import Seconds

log = logger(__name__)

_TRIES = 5  # of a write that fails for no reason that SQLite knows
WATCH_S = 0.2  # how often an item that another process holds is checked


@dataclass(frozen=True, slots=True)
class Held:
    """The facts to send now, under one claim, and the answers found meanwhile. `claim` is 0 without a journal."""

    claim: int
    facts: tuple[Any, ...]
    answers: tuple[Answer[Any], ...]


def _nobody(job_id: str) -> Any:
    raise JobLostError(f"job {job_id}: this run cannot collect it")


class WorkClaims:
    """A run's claims on its work items. `keys` are the items' keys by index. Without a journal all may be sent.

    `attend` returns the output of the job with this id, which another process submitted, or raises `FleetError`.

    If the journal cannot be written any more, answers still go into the result, but no further requests are sent,
    since their answers could not be saved.
    """

    def __init__(
        self,
        stage: Codec[Any, Any, Any],
        endpoint: str,
        keys: dict[int, str],
        journal: Journal | None,
        listener: Listener,
        *,
        attend: Callable[[str], Any] = _nobody,
        sleep: Callable[[Seconds], None] = time.sleep,
    ) -> None:
        self._stage = stage
        self._endpoint = endpoint
        self._keys = keys
        self._index = {key: index for index, key in keys.items()}
        self._journal = journal
        self._listener = listener
        self._attend = attend
        self._sleep = sleep
        self._lock = threading.Lock()
        self._told: frozenset[str] = frozenset()
        self._broken: OutputError | None = None
        self._parts = msgspec.json.Decoder(list[tuple[stage.fact_type(), stage.reply_type()]])  # type: ignore[misc]
        self._fact = msgspec.json.Decoder(stage.fact_type())

    def known(self) -> list[Answer[Any]]:
        """Return all answers from before this run. One that cannot be read any more, such as a NaN, is sent again."""
        if self._journal is None:
            return []
        answers, unreadable = [], []
        for key, parts in self._journal.answers(list(self._index)).items():
            try:
                answers += self._read(key, parts)
            except msgspec.MsgspecError as error:
                log.info("%s: an answer in the journal cannot be read", self._stage.name, exc_info=error)
                unreadable.append(key)
        if unreadable:
            self._journal.forget(unreadable)
        return answers

    def adopt(self) -> list[Orphan]:
        """Take over the jobs that an earlier run submitted and whose answers it never received, and return them."""
        return self._journal.adopt(self._endpoint, list(self._index)) if self._journal else []

    def attended(self, orphan: Orphan) -> list[Answer[Any]]:
        """Return the answers of the orphan's job that belong to this run, saved; none if the job is lost or has failed.

        Raises the error for which the job's end is not known: it is then left for the next run that collects it.
        """
        try:
            facts = {key: self._fact.decode(fact) for key, fact in orphan.facts.items()}
            output = self._attend(orphan.job_id)
        except BaseException as error:
            log.info("%s: job %s of another run: %s", self._stage.name, orphan.job_id, error, exc_info=error)
            if (isinstance(error, FleetError) and error.job_over) or isinstance(error, msgspec.MsgspecError):
                self.release(orphan.id)
                return []
            self.leave(orphan.id)
            raise
        try:
            return self._adopted(facts, self._stage.parse(tuple(facts.values()), output))
        except FleetError as error:
            log.info("%s: job %s of another run: %s", self._stage.name, orphan.job_id, error, exc_info=error)
            return []
        finally:
            self.release(orphan.id)

    def hold(self, facts: Sequence[Any]) -> Iterator[Held]:
        """Yield the parts of `facts` that may be sent, until all are handed out or answered.

        Items that another process holds are waited for: it answers them, or if it ends, they become free or their job
        is collected. Raises `FleetError` if that fails.
        """
        if self._journal is None:
            yield Held(0, tuple(facts), ())
            return
        left = {self._keys[fact.index]: fact for fact in facts}
        while left:
            if self._broken is not None:
                raise self._broken
            claim = self._journal.claim(self._endpoint, {key: msgspec.json.encode(fact) for key, fact in left.items()})
            granted = tuple(fact for key, fact in left.items() if key in claim.granted)
            try:
                answers = [a for key, parts in claim.answered.items() for a in self._read(key, parts)]
            except msgspec.MsgspecError:
                self.release(claim.id)
                raise
            left = {k: fact for k, fact in left.items() if k not in claim.granted and k not in claim.answered}
            if claim.orphans:
                log.info("%s: jobs of another run: %s", self._stage.name, ", ".join(o.job_id for o in claim.orphans))
                self._tell("asking", "picking up jobs of another run that has ended")
                answers += self._answering(claim.orphans, left)
            if granted or answers:
                yield Held(claim.id, granted, tuple(answers))
            elif left and not claim.orphans:
                self._tell_of_another_run()
                self._sleep(WATCH_S)

    def _answering(self, orphans: Sequence[Orphan], left: dict[str, Any]) -> list[Answer[Any]]:
        """Return the orphans' answers to items in `left`, and remove those from it. On an error, leave the others."""
        waiting, answers = list(orphans), []
        try:
            while waiting:
                for answer in self.attended(waiting.pop(0)):
                    (fact,) = answer.facts
                    if left.pop(self._keys[fact.index], None) is not None:  # other deliveries find theirs saved
                        answers.append(answer)
        finally:
            for orphan in waiting:
                self.leave(orphan.id)
        return answers

    def sent(self, claim: int, job_id: str) -> None:
        self._write(lambda: self._use().sent(claim, job_id))

    def keep(self, answers: dict[int, list[tuple[Any, Any]]]) -> None:
        """Save answers by index, each as (fact, reply) pairs, before they are used elsewhere."""
        rows = {self._keys[index]: _encode(parts) for index, parts in answers.items()} if self._journal else {}
        self._write(lambda: self._use().keep(rows))

    def release(self, claim: int) -> None:
        self._write(lambda: self._use().release(claim))

    def leave(self, claim: int) -> None:
        """Give up the claim, but keep its job, which may still finish: the next claim on its items collects it."""
        self._write(lambda: self._use().leave(claim))

    def _adopted(self, facts: dict[str, Any], reply: Any) -> list[Answer[Any]]:
        """Save the answers by key, and return those that belong to this run."""
        parts = {key: (fact, self._stage.part(reply, fact)) for key, fact in facts.items()}
        found = {key: (fact, part) for key, (fact, part) in parts.items() if part is not None}
        self._write(lambda: self._use().keep({key: _encode([pair]) for key, pair in found.items()}))
        return [
            self._stage.reindex(Answer((fact,), part), self._index[key])
            for key, (fact, part) in found.items()
            if key in self._index
        ]

    def _tell_of_another_run(self) -> None:
        others = self._use().held_elsewhere(list(self._index))
        if others:  # else a delivery of this run collects a job that has them
            self._tell("waiting", f"another run has sent {others} of these; waiting for its answers")

    def _tell(self, what: str, text: str) -> None:
        """Report a kind of notice once, however many threads would."""
        with self._lock:
            first, self._told = what not in self._told, self._told | {what}
        if first:
            self._listener(Notice(f"{self._stage.name}: {text}"))

    def _use(self) -> Journal:
        assert self._journal is not None
        return self._journal

    def _write(self, action: Callable[[], None]) -> None:
        """Run a write. Raises nothing, whatever fails: the answers have been paid for, and belong in the result."""
        if self._journal is None or self._broken is not None:
            return
        try:
            _written(action)
        except OutputError as error:
            log.warning("%s: the journal cannot be written", self._stage.name, exc_info=error)
            self._broken = error
            if self._journal.closed:  # the run has ended without this thread, and reported so
                return
            self._listener(Notice(f"{error}; no further requests will be sent; the results so far are saved"))

    def _read(self, key: str, parts: bytes) -> list[Answer[Any]]:
        index = self._index[key]
        return [self._stage.reindex(Answer((fact,), reply), index) for fact, reply in self._parts.decode(parts)]


def _written(action: Callable[[], None]) -> None:
    """Run a write, and repeat it a few times after an error that is not SQLite's. Raises `OutputError`.

    A fault of this program, or of threads that use one statement at once, must not lose answers that are paid for.
    """
    for left in reversed(range(_TRIES)):
        try:
            return action()
        except OutputError:
            raise
        except Exception as error:
            log.warning("the journal: a write failed, %d attempts left", left, exc_info=error)
            if not left:
                raise OutputError(
                    f"the journal cannot be used ({describe(error)})", hint="run the same command again"
                ) from error
    return None


def _encode(parts: list[tuple[Any, Any]]) -> bytes:
    return msgspec.json.encode(parts)
