"""The run of stages that work on the results of other stages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framefleet.errors import describe
from framefleet.logs import logger
from framefleet.media.types import MediaInfo
from framefleet.metrics import BusyTimer
from framefleet.pipeline.coverage import UndecodedSpan
from framefleet.pipeline.kept import KeptResults, derived_key
from framefleet.pipeline.plan import DerivePlan
from framefleet.progress import Listener, Notice

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class ClientResult:
    """The result of one stage of the client; `result` is None if it failed, for `error`.

    `missed` are the spans of the video of which a watching stage got no frame.
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
    keep: KeptResults | None = None,
) -> dict[str, ClientResult]:
    """Return the results of the stages that work on others' results. An exception in one does not end the others.

    Those of an earlier run in `keep` on the same results are taken from there.
    """
    done: dict[str, ClientResult] = {}
    for plan in plans:
        stage = plan.stage
        meter, result, error = BusyTimer(), None, None
        try:
            with meter.working():
                given = {name: results[name] for name in plan.spec.needs if name in results}
                key = derived_key(plan, media, given) if keep is not None else None
                result = keep.recall(stage, key, plan.options) if keep is not None else None
                if result is None:
                    result = stage.derive(media, plan.options, given)
                    if keep is not None:
                        keep.remember(stage, key, result)
            results[stage.name] = result
        except Exception as fault:  # a failure of one stage must not lose the others' results
            log.warning("%s failed", stage.name, exc_info=fault)
            error = describe(fault)
            listener(Notice(f"{stage.name}: {error}"))
        done[stage.name] = ClientResult(result, meter, error)
    return done
