"""Getting one parcel answered, whatever happens on the way: asked again, in halves, or for what was left out.

Every answer is kept the moment it is known. Nothing here knows threads or pools.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from framefleet.errors import Advice, BadReplyError, FleetError, FrameFleetError
from framefleet.fleet.jobs import Sent
from framefleet.fleet.keep import Keeper
from framefleet.fleet.retry import RetryPolicy, retrying
from framefleet.stages.base import Answer, Parcel, Stage
from framefleet.units import Seconds


@dataclass(frozen=True, slots=True)
class Failure:
    """Work that got no answer. `facts` say which pictures or which stretch of sound."""

    facts: tuple[Any, ...]
    error: str
    attempts: int


class Exchange:
    """One parcel's way to its answers. `answers` and `failures` are complete when `run` returns."""

    def __init__(
        self,
        stage: Stage[Any, Any, Any, Any, Any],
        keeper: Keeper,
        ask: Callable[[Any, Callable[[Sent], None], Sent | None], Any],
        policy: RetryPolicy,
        sleep: Callable[[Seconds], None],
    ) -> None:
        """`ask` is `Asker.ask`."""
        self._stage = stage
        self._keeper = keeper
        self._ask = ask
        self._policy = policy
        self._sleep = sleep
        self._open: Counter[int] = Counter()
        self._parts: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
        self._claimed: tuple[Any, ...] = ()
        self._unheard = False
        self._asked: tuple[Parcel[Any], Sent] | None = None  # and its job, where that is not known to be over
        self.answers: list[Answer[Any]] = []
        self.failures: list[Failure] = []
        self.error: FrameFleetError | None = None

    def run(self, parcel: Parcel[Any]) -> None:
        """Asks until every fact is answered or has failed."""
        try:
            for held in self._keeper.hold(parcel.facts):
                self.answers.extend(held.answers)
                if held.facts:
                    self._open.update(fact.index for fact in held.facts)
                    self._claimed, self._unheard = held.facts, False
                    self._settle(self._stage.narrow(parcel, held.facts), held.claim)
                    if self._unheard:
                        self._keeper.leave(held.claim)
                    else:
                        self._keeper.release(held.claim)
        except FrameFleetError as error:  # the model cannot be loaded, the journal cannot be used, …
            over = {fact.index for answer in self.answers for fact in answer.facts}
            over |= {fact.index for failure in self.failures for fact in failure.facts}
            self._fail(tuple(fact for fact in parcel.facts if fact.index not in over), error, 0)

    def _settle(self, parcel: Parcel[Any], claim: int) -> None:
        """Asks for a parcel until nothing of it is left, or in halves if it is too large."""
        left, attempts = parcel, 0
        try:
            for attempt in retrying(self._policy, sleep=self._sleep):
                attempts = attempt.retry_state.attempt_number
                with attempt:
                    missing = self._once(left, claim)
                    if missing:
                        lacking, left = len(missing), self._stage.narrow(left, missing)
                        raise BadReplyError(f"{lacking} of {len(parcel.facts)} were left out of the worker's reply")
        except FleetError as error:
            halves = self._stage.split(left) if error.advice is Advice.SPLIT else [left]
            if len(halves) == 1:
                self._fail(left.facts, error, attempts)
                return
            for fact in left.facts:
                self._open[fact.index] += sum(f.index == fact.index for h in halves for f in h.facts) - 1
            for half in halves:
                self._settle(half, claim)

    def _once(self, parcel: Parcel[Any], claim: int) -> list[Any]:
        """One request; keeps what it answers and gives the facts that it does not."""
        output = self._output(parcel, claim)
        reply = self._stage.parse(parcel.facts, output)
        missing, whole = [], {}
        for fact in parcel.facts:
            part = self._stage.part(reply, fact)
            if part is None:
                missing.append(fact)
                continue
            self._parts[fact.index].append((fact, part))
            self._open[fact.index] -= 1
            if not self._open[fact.index]:
                whole[fact.index] = self._parts[fact.index]
        self._keeper.keep(whole)
        self.answers.append(Answer(tuple(fact for fact in parcel.facts if fact not in missing), reply))
        return missing

    def _output(self, parcel: Parcel[Any], claim: int) -> Any:
        """What one request is answered. Its job is known to the journal from when it is accepted until it is over.

        A job that nobody could tell of is asked after again, and not anew: it is paid for.
        """

        def note(sent: Sent) -> None:
            self._asked = (parcel, sent)
            # the answer to half a piece would be taken for that to all of it
            if all(fact in self._claimed for fact in parcel.facts):
                self._keeper.sent(claim, sent.job.id)
                self._unheard = True

        known = self._asked[1] if self._asked is not None and self._asked[0] is parcel else None
        try:
            output = self._ask(parcel.request, note, known)
        except FleetError as error:
            if error.job_over:
                self._unheard, self._asked = False, None
            raise
        self._unheard, self._asked = False, None
        return output

    def _fail(self, facts: tuple[Any, ...], error: FrameFleetError, attempts: int) -> None:
        self.failures.append(Failure(facts, str(error), attempts))
        self.error = error
