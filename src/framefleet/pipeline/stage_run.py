"""One fleet stage in a run: its plan, its dispatcher, and the work that failed before it was sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from framefleet.cancel import CancelScope
from framefleet.errors import describe
from framefleet.fleet.billing.usage_log import UsageLog
from framefleet.fleet.execution.claims import WorkClaims
from framefleet.fleet.execution.client import EndpointClient
from framefleet.fleet.execution.delivery import Failure
from framefleet.fleet.execution.dispatcher import Dispatcher
from framefleet.fleet.execution.stall import StallMonitor
from framefleet.logs import logger
from framefleet.metrics import BusyTimer
from framefleet.pipeline.plan import StagePlan
from framefleet.progress import ItemFailed, Listener, Notice
from framefleet.stages.base import Prefilter

log = logger(__name__)


@dataclass(slots=True)
class StageRun:
    """The state of one fleet stage. `items` are those left to send, `scope` ends the stage, and `watch` monitors an
    endpoint.

    `lost` is what failed before any request: what could not be decoded, or arrived after the stage had ended.
    `prefiltering` is the time that the stage's `prefilter` takes.
    """

    plan: StagePlan
    items: Sequence[Any]
    dispatcher: Dispatcher
    asker: EndpointClient
    keeper: WorkClaims
    listener: Listener
    scope: CancelScope
    watch: StallMonitor | None = None
    prefilter: Prefilter | None = None
    ledger: UsageLog | None = None
    lost: list[Failure] = field(default_factory=list)
    prefiltering: BusyTimer = field(default_factory=BusyTimer)

    def filter(self, piece: Any) -> Any:
        """Return the piece, or the answer, that `prefilter` returns for it.

        If the prefilter fails, everything is sent from then on: that costs at most what was planned, and loses nothing.
        """
        if self.prefilter is None:
            return piece
        try:
            with self.prefiltering.working():
                return self.prefilter(piece)
        except Exception as error:  # a prefilter only saves cost, so the run continues without it
            log.warning("%s: its prefilter failed", self.plan.stage.name, exc_info=error)
            self.prefilter = None
            self.listener(Notice(f"{self.plan.stage.name}: {self._without_prefilter(error)}"))
            return piece

    def _without_prefilter(self, error: Exception) -> str:
        everything = "all audio" if self.plan.spec.hears else "every frame"
        return f"{self.plan.spec.prefilter} failed ({describe(error)}); sending {everything} from now on"

    def lose(self, number: int, facts: tuple[Any, ...], units: float, error: str) -> None:
        """Count work as failed without sending it."""
        self.lost.append(Failure(facts, error, attempts=0))
        self.listener(ItemFailed(self.plan.stage.name, number, units, error))
