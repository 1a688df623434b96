"""One stage's view of the journal: which pieces are answered, which may be asked, and answers kept as they come."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from framefleet.errors import OutputError
from framefleet.journal.store import Journal, Orphan
from framefleet.progress import Listener, Notice
from framefleet.stages.base import Answer, Stage
from framefleet.units import Seconds

WATCH_S = 0.2  # how often a piece that another process holds is looked after


@dataclass(frozen=True, slots=True)
class Held:
    """What of some facts is to be asked now, and what has turned out to be answered. `claim` is 0 without a journal."""

    claim: int
    facts: tuple[Any, ...]
    answers: tuple[Answer[Any], ...]


class Keeper:
    """`keys` names each piece of this run's work by its index. Without a journal everything may be asked.

    A journal that cannot be written any more loses nothing that is known: answers go on into the result, but nothing
    new is asked, since it could not be kept.
    """

    def __init__(
        self,
        stage: Stage[Any, Any, Any, Any, Any],
        endpoint: str,
        keys: dict[int, str],
        journal: Journal | None,
        listener: Listener,
        *,
        sleep: Callable[[Seconds], None] = time.sleep,
    ) -> None:
        self._stage = stage
        self._endpoint = endpoint
        self._keys = keys
        self._index = {key: index for index, key in keys.items()}
        self._journal = journal
        self._listener = listener
        self._sleep = sleep
        self._broken: OutputError | None = None
        self._parts = msgspec.json.Decoder(list[tuple[stage.fact_type(), stage.reply_type()]])  # type: ignore[misc]
        self._fact = msgspec.json.Decoder(stage.fact_type())

    def known(self) -> list[Answer[Any]]:
        """All that was answered before this run."""
        if self._journal is None:
            return []
        rows = self._journal.answers(list(self._index))
        return [answer for key, parts in rows.items() for answer in self._read(key, parts)]

    def adopt(self) -> list[Orphan]:
        """What an earlier run submitted and never saw answered, now this run's to ask after."""
        return self._journal.adopt(self._endpoint, list(self._index)) if self._journal else []

    def orphan_facts(self, orphan: Orphan) -> tuple[Any, ...]:
        """The orphan's facts as the run that submitted it counted."""
        return tuple(self._fact.decode(fact) for fact in orphan.facts.values())

    def adopted(self, orphan: Orphan, reply: Any) -> list[Answer[Any]]:
        """Keeps what the orphan's job answered, and gives what of it is of this run."""
        answers, kept = [], {}
        for key, encoded in orphan.facts.items():
            fact = self._fact.decode(encoded)
            part = self._stage.part(reply, fact)
            if part is None:
                continue
            kept[key] = _encode([(fact, part)])
            if key in self._index:
                answers.append(self._stage.restamp(Answer((fact,), part), self._index[key]))
        self._write(lambda: self._use().keep(kept))
        self.release(orphan.id)
        return answers

    def hold(self, facts: Sequence[Any]) -> Iterator[Held]:
        """What of `facts` may be asked, until all of it was handed out or answered.

        What another process holds is waited for: it is answered there, or comes free when that process is gone.
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
            answers = tuple(a for key, parts in claim.answered.items() for a in self._read(key, parts))
            left = {key: fact for key, fact in left.items() if key in claim.held}
            if granted or answers:
                yield Held(claim.id, granted, answers)
            elif left:
                self._sleep(WATCH_S)

    def sent(self, claim: int, job_id: str) -> None:
        self._write(lambda: self._use().sent(claim, job_id))

    def keep(self, answers: dict[int, list[tuple[Any, Any]]]) -> None:
        """Answers by index, each as (fact, reply) pairs, kept before anybody else sees them."""
        rows = {self._keys[index]: _encode(parts) for index, parts in answers.items()} if self._journal else {}
        self._write(lambda: self._use().keep(rows))

    def release(self, claim: int) -> None:
        self._write(lambda: self._use().release(claim))

    def _use(self) -> Journal:
        assert self._journal is not None
        return self._journal

    def _write(self, action: Callable[[], None]) -> None:
        if self._journal is None or self._broken is not None:
            return
        try:
            action()
        except OutputError as error:
            self._broken = error
            self._listener(Notice(f"{error}; nothing more is asked, and what is known goes into the result"))

    def _read(self, key: str, parts: bytes) -> list[Answer[Any]]:
        index = self._index[key]
        return [self._stage.restamp(Answer((fact,), reply), index) for fact, reply in self._parts.decode(parts)]


def _encode(parts: list[tuple[Any, Any]]) -> bytes:
    return msgspec.json.encode(parts)
