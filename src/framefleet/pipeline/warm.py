"""Waking an endpoint's workers before there is work for them, so that they start while the video is decoded."""

from collections.abc import Sequence

from framefleet.config import Options
from framefleet.errors import FleetError
from framefleet.logs import logger
from framefleet.pipeline.lane import Lane
from framefleet.progress import Notice

log = logger(__name__)


def warm_up(lanes: Sequence[Lane], options: Options) -> None:
    """Sends `options.warm` probes to every endpoint there is work for, at most one a request; waits for none."""
    for lane in lanes:
        count = min(options.warm, len(lane.items))
        if lane.plan.backend != "runpod" or not count:
            continue
        name = lane.plan.stage.name
        try:
            lane.asker.wake(count)
        except FleetError as error:
            log.info("%s: its workers cannot be woken", name, exc_info=error)
            lane.listener(Notice(f"{name}: could not wake its workers ({error}); going on"))
        else:
            lane.listener(Notice(f"{name}: waking {count} workers"))
