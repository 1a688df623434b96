"""One stage's way through a run: its plan, its dispatcher, and the work that was lost before it got there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from framefleet.fleet.asking import Asker
from framefleet.fleet.dispatch import Dispatcher
from framefleet.fleet.exchange import Failure
from framefleet.fleet.keep import Keeper
from framefleet.fleet.watch import Watch
from framefleet.pipeline.plan import StagePlan
from framefleet.progress import ItemFailed, Listener


@dataclass(slots=True)
class Lane:
    """`items` is what is left of the plan to be asked, and `watch` looks after an endpoint.

    `lost` is what failed before any request: what could not be decoded, or came after the stage had ended.
    """

    plan: StagePlan
    items: Sequence[Any]
    dispatcher: Dispatcher
    asker: Asker
    keeper: Keeper
    listener: Listener
    watch: Watch | None = None
    lost: list[Failure] = field(default_factory=list)

    def lose(self, number: int, facts: tuple[Any, ...], units: float, error: str) -> None:
        """Counts work that gets no answer, without asking for one."""
        self.lost.append(Failure(facts, error, attempts=0))
        self.listener(ItemFailed(self.plan.stage.name, number, units, error))
