"""The delivery of one batch: it is retried, split, or sent again for the facts that a reply left out.

Every answer is saved as soon as it arrives. Nothing here knows threads or pools.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from framefleet.errors import (
    Advice,
    BadReplyError,
    FleetError,
    FrameFleetError,
)
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.jobs import Sent
from framefleet.fleet.execution.retry import RetryPolicy, retrying
from framefleet.logs import logger
from framefleet.stages.base import Answer, Codec, RequestBatch
from framefleet.timebase import Seconds

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """Work without an answer. `facts` identify the frames or the stretch of sound."""

    facts: tuple[Any, ...]
    error: str
    attempts: int


class _Ended(NamedTuple):
    """A batch whose attempts have ended without success."""

    left: RequestBatch[Any]
    error: FleetError
    attempts: int


class BatchDelivery:
    """The delivery of one batch. `answers` and `failures` are complete when `run` returns."""

    def __init__(
        self,
        stage: Codec[Any, Any, Any],
        keeper: WorkClaims,
        ask: Callable[[Any, Callable[[Sent], None], Sent | None], Any],
        policy: RetryPolicy,
        sleep: Callable[[Seconds], None],
        place: Callable[[], AbstractContextManager[int | None]] | None = None,
    ) -> None:
        """Take `EndpointClient.ask` and `EndpointClient.place`.

        Without `place` it is not known whether the endpoint is at fault, so that a failed batch is not split.
        """
        self._stage = stage
        self._keeper = keeper
        self._ask = ask
        self._policy = policy
        self._sleep = sleep
        self._place = place or nullcontext
        self._judged = place is not None
        self._open: Counter[int] = Counter()
        self._parts: dict[int, list[tuple[Any, Any]]] = defaultdict(list)
        self._claimed: tuple[Any, ...] = ()
        self._unheard = False
        self._asked: tuple[RequestBatch[Any], Sent] | None = None  # with its job, if that is not known to be over
        self.answers: list[Answer[Any]] = []
        self.failures: list[Failure] = []
        self.error: FrameFleetError | None = None

    def run(self, parcel: RequestBatch[Any]) -> None:
        """Send requests until every fact is answered or has failed."""
        try:
            for held in self._keeper.hold(parcel.facts):
                self.answers.extend(held.answers)
                if held.facts:
                    self._open.update(fact.index for fact in held.facts)
                    self._claimed, self._unheard = held.facts, False
                    try:
                        self._settle(self._stage.subset(parcel, held.facts), held.claim)
                    finally:  # on any end: others wait for what is held, also in this process
                        if self._unheard:
                            self._keeper.leave(held.claim)
                        else:
                            self._keeper.release(held.claim)
        except FrameFleetError as error:  # the model cannot be loaded, the journal cannot be used, …
            over = {fact.index for answer in self.answers for fact in answer.facts}
            over |= {fact.index for failure in self.failures for fact in failure.facts}
            self._fail(tuple(fact for fact in parcel.facts if fact.index not in over), error, 0)

    def _settle(self, whole: RequestBatch[Any], claim: int) -> None:
        """Send a batch until nothing of it is left; in parts if it is too large, or one item makes workers fail.

        The parts of one size are sent before those of the next: one that succeeds soon shows that others are at fault.
        """
        left = deque([(whole, self._policy, 0)])
        while left:
            parcel, policy, before = left.popleft()
            ended = self._tried(parcel, claim, policy)
            if ended is None:
                continue
            attempts = before + ended.attempts
            parts = self._parted(ended.left, ended.error)
            of, now = len(ended.left.facts), len(parts)
            log.info("%d facts after %d attempts, sent in %d parts: %s", of, attempts, now, ended.error)
            if len(parts) == 1:
                self._fail(ended.left.facts, ended.error, attempts)
                continue
            for fact in ended.left.facts:
                self._open[fact.index] += sum(f.index == fact.index for p in parts for f in p.facts) - 1
            if ended.error.advice is not Advice.SPLIT:
                policy = replace(policy, max_attempts=1)
            left.extend((part, policy, attempts) for part in parts)

    def _parted(self, parcel: RequestBatch[Any], error: FleetError) -> list[RequestBatch[Any]]:
        """Return the batches to send in place of one that failed; itself alone if it cannot be divided further.

        An item is not divided for having failed; and if each may be paid for once only, nothing is sent again.
        """
        again = self._judged and error.counted and self._policy.max_attempts > 1
        poisoned = again and len({fact.index for fact in parcel.facts}) > 1
        return self._stage.split(parcel) if error.advice is Advice.SPLIT or poisoned else [parcel]

    def _tried(self, parcel: RequestBatch[Any], claim: int, policy: RetryPolicy) -> _Ended | None:
        """Send a batch with retries. Return None if all of it is answered, else what is left and why."""
        left, attempts = parcel, 0
        try:
            for attempt in retrying(policy, sleep=self._sleep):
                attempts = attempt.retry_state.attempt_number
                with attempt:
                    missing, unasked = self._once(left, claim)
                    while unasked:  # the trial succeeded
                        left = self._stage.subset(left, [f for f in left.facts if f in missing or f in unasked])
                        missing, unasked = self._once(left, claim)
                    if missing:
                        lacking, left = len(missing), self._stage.subset(left, missing)
                        raise BadReplyError(f"the worker's reply leaves out {lacking} of {len(parcel.facts)}")
        except FleetError as error:
            return _Ended(left, error, attempts)
        return None

    def _once(self, parcel: RequestBatch[Any], claim: int) -> tuple[list[Any], list[Any]]:
        """Send one request and save its answers; return the facts left out by the reply, and those not sent.

        A trial sends one fact: the first, and the next trial the last.
        """
        with self._place() as trial:
            asked = parcel
            if trial is not None and len(parcel.facts) > 1 and self._known(parcel) is None:
                asked = self._stage.subset(parcel, [parcel.facts[-(trial % 2)]])
            output = self._output(asked, claim)
            missing = self._kept(asked, self._stage.parse(asked.facts, output))
            if len(missing) == len(asked.facts):  # raised while the place is held, so that it counts as a failure
                raise BadReplyError(f"the worker's reply leaves out all {len(missing)}")
        return missing, [fact for fact in parcel.facts if fact not in asked.facts]

    def _kept(self, parcel: RequestBatch[Any], reply: Any) -> list[Any]:
        """Save the answers of a reply; return the facts that it leaves out."""
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

    def _output(self, parcel: RequestBatch[Any], claim: int) -> Any:
        """Return the output of one request. The journal knows its job from when it is accepted until it is over.

        A job whose end is not known is waited for again rather than replaced, since it is paid for.
        """

        def note(sent: Sent) -> None:
            self._asked = (parcel, sent)
            # the answer to a part of an item would be taken for the answer to all of it
            if all(fact in self._claimed for fact in parcel.facts):
                self._keeper.sent(claim, sent.job.id)
                self._unheard = True

        try:
            output = self._ask(parcel.request, note, self._known(parcel))
        except FleetError as error:
            if error.job_over:
                self._unheard, self._asked = False, None
            raise
        self._unheard, self._asked = False, None
        return output

    def _known(self, parcel: RequestBatch[Any]) -> Sent | None:
        """Return the batch's job, if it has one that is not known to be over."""
        return self._asked[1] if self._asked is not None and self._asked[0] is parcel else None

    def _fail(self, facts: tuple[Any, ...], error: FrameFleetError, attempts: int) -> None:
        self.failures.append(Failure(facts, str(error), attempts))
        self.error = error
