"""One stage's way through a run: its plan, its dispatcher, and the work that was lost before it got there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from framefleet.errors import told
from framefleet.fleet.asking import Asker
from framefleet.fleet.dispatch import Dispatcher
from framefleet.fleet.exchange import Failure
from framefleet.fleet.keep import Keeper
from framefleet.fleet.ledger import Ledger
from framefleet.fleet.meter import Meter
from framefleet.fleet.watch import Watch
from framefleet.logs import logger
from framefleet.pipeline.plan import StagePlan
from framefleet.progress import ItemFailed, Listener, Notice
from framefleet.stages.base import Sieve

log = logger(__name__)


@dataclass(slots=True)
class Lane:
    """`items` is what is left of the plan to be asked, and `watch` looks after an endpoint.

    `lost` is what failed before any request: what could not be decoded, or came after the stage had ended.
    `sifting` is the time that the stage's `sieve` takes.
    """

    plan: StagePlan
    items: Sequence[Any]
    dispatcher: Dispatcher
    asker: Asker
    keeper: Keeper
    listener: Listener
    watch: Watch | None = None
    sieve: Sieve | None = None
    ledger: Ledger | None = None
    lost: list[Failure] = field(default_factory=list)
    sifting: Meter = field(default_factory=Meter)

    def sift(self, piece: Any) -> Any:
        """What `sieve` makes of the piece.

        One that fails lets everything through from then on: that costs what was planned at most, and loses nothing.
        """
        if self.sieve is None:
            return piece
        try:
            with self.sifting.working():
                return self.sieve(piece)
        except Exception as error:  # it only saves; what it would have saved is asked about
            log.warning("%s: asking about everything from here on", self.plan.stage.name, exc_info=error)
            self.sieve = None
            self.listener(Notice(f"{self.plan.stage.name}: asking about everything from here on; {told(error)}"))
            return piece

    def lose(self, number: int, facts: tuple[Any, ...], units: float, error: str) -> None:
        """Counts work that gets no answer, without asking for one."""
        self.lost.append(Failure(facts, error, attempts=0))
        self.listener(ItemFailed(self.plan.stage.name, number, units, error))
