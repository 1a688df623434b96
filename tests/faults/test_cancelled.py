"""Cancelled at random moments, in one session or in one after the other: nothing is lost, nothing paid twice."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from framefleet import CancelScope, Session
from framefleet.emulator.faults import Fault, Faults
from framefleet.emulator.ledger import Unit
from framefleet.errors import CancelledError, UnreachableError
from framefleet.fleet.backends.runpod.job_api import RunPodApi
from framefleet.schema.document import Document
from tests.faults.test_resume import IN_FLIGHT
from tests.faults.world import PICTURES, World, told

pytestmark = pytest.mark.full

CANCELLED = 8


def answered(world: World) -> Counter[Unit]:
    """How often each picture or clip is in a job that a worker has answered."""
    return Counter(
        unit
        for endpoint in world.service.endpoints.values()
        for run in list(endpoint.ledger.executions)
        if (endpoint.status(run.job_id) or {}).get("status") == "COMPLETED"
        for unit in run.units
    )


def cancelling(scope: CancelScope, dice: random.Random, patch: pytest.MonkeyPatch) -> None:
    """The scope is cancelled from another thread at one of the next calls: before it is sent, or once it is answered.

    Half of the time what is under way is not listened to any more, and half of the time the service does not hear that
    jobs are cancelled.
    """
    at, before, drain_s, deaf = dice.randrange(1, 60), dice.random() < 0.5, dice.choice([0.0, 1.0]), dice.random() < 0.5
    calls, lock, call = iter(range(1, 10**9)), threading.Lock(), RunPodApi._call

    def cancel() -> None:
        thread = threading.Thread(target=lambda: scope.cancel(drain_s=drain_s))
        thread.start()
        thread.join()

    def counted(self: RunPodApi, *request: Any) -> Any:
        with lock:
            now = next(calls) == at
        if now and before:
            cancel()
        if deaf and request[2].startswith("cancel/"):
            raise UnreachableError("the service answered 502")
        try:
            return call(self, *request)
        finally:
            if now and not before:
                cancel()

    patch.setattr(RunPodApi, "_call", counted)


def test_cancelled_while_everything_else_goes_wrong_too(world: Callable[..., World], faultless: Document) -> None:
    """A session goes on whatever ended its analyses."""
    there, dice = world(faults=Faults(dict.fromkeys(Fault, 0.05), seed=5)), random.Random(5)
    with Session(fleet=there.fleet) as session:
        for _ in range(CANCELLED):
            scope = CancelScope()
            with pytest.MonkeyPatch.context() as patch:
                cancelling(scope, dice, patch)
                with suppress(CancelledError):
                    session.execute(there.prepare(), cancel=scope)
        assert told(session.execute(there.prepare())) == told(faultless)


@pytest.mark.parametrize("sessions", [1, CANCELLED])
@pytest.mark.parametrize("seed", range(4))
def test_cancelled_at_random_moments_and_asked_again(
    seed: int, sessions: int, world: Callable[..., World], faultless: Document
) -> None:
    there, dice, cancelled = world(), random.Random(seed), 0
    left = CANCELLED
    while left:
        with Session(fleet=there.fleet) as session:
            for _ in range(CANCELLED // sessions):
                left -= 1
                scope = CancelScope()
                with pytest.MonkeyPatch.context() as patch:
                    cancelling(scope, dice, patch)
                    with suppress(CancelledError):
                        session.execute(there.prepare(), cancel=scope)
                cancelled += scope.cancelled
            if not left:
                document = session.execute(there.prepare())
    assert told(document) == told(faultless)
    assert cancelled >= CANCELLED // 2
    assert set(answered(there).values()) == {1}
    assert sum(answered(there).values()) == PICTURES + 1
    assert there.executions() <= PICTURES + 1 + cancelled * IN_FLIGHT
    with Session(fleet=there.fleet) as session:
        assert session.execute(there.prepare()).cost.usd == 0
