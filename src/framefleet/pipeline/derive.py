"""Stages that work on what other stages found, once those are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framefleet.errors import describe
from framefleet.logs import logger
from framefleet.media.types import MediaInfo
from framefleet.metrics import BusyTimer
from framefleet.pipeline.coverage import UndecodedSpan
from framefleet.pipeline.plan import DerivePlan
from framefleet.progress import Listener, Notice

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class ClientResult:
    """What came of one stage of the client; `result` is None where `error` says why.

    `missed` are stretches of the video that a stage that watches it did not get to see.
    """

    result: Any
    meter: BusyTimer
    error: str | None = None
    missed: Sequence[UndecodedSpan] = ()


def derive(
    plans: Sequence[DerivePlan],
    media: MediaInfo,
    results: dict[str, Any],
    listener: Listener,
) -> dict[str, ClientResult]:
    """The results of the stages that work on others' results; what goes wrong in one ends it alone."""
    done: dict[str, ClientResult] = {}
    for plan in plans:
        stage = plan.stage
        meter, result, error = BusyTimer(), None, None
        try:
            with meter.working():
                given = {name: results[name] for name in plan.spec.needs if name in results}
                result = stage.derive(media, plan.options, given)
            results[stage.name] = result
        except Exception as fault:  # a fault of one analysis must not lose the others
            log.warning("%s is ended by its own fault", stage.name, exc_info=fault)
            error = describe(fault)
            listener(Notice(f"{stage.name}: {error}"))
        done[stage.name] = ClientResult(result, meter, error)
    return done
