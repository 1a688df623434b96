"""Waking an endpoint's workers before there is work for them, so that they start while the video is decoded."""

from collections.abc import Mapping, Sequence

from framefleet.config import Options
from framefleet.errors import FleetError
from framefleet.fleet.backend import Backend
from framefleet.pipeline.plan import StagePlan
from framefleet.progress import Listener, Notice
from framefleet.wire.common import Probe


def warm_up(plans: Sequence[StagePlan], backends: Mapping[str, Backend], options: Options, listener: Listener) -> None:
    """Sends `options.warm` probes to every endpoint and waits for none of them."""
    for plan in plans:
        if plan.backend == "local" or not options.warm:
            continue
        try:
            for _ in range(options.warm):
                backends[plan.backend].submit(plan.stage.endpoint, Probe())
        except FleetError as error:
            listener(Notice(f"{plan.stage.name}: could not wake its workers ({error}); going on"))
        else:
            listener(Notice(f"{plan.stage.name}: waking {options.warm} workers"))
