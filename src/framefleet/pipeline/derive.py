"""Stages that work on what other stages found, once those are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from framefleet.config import Options
from framefleet.errors import told
from framefleet.fleet.meter import Meter
from framefleet.logs import logger
from framefleet.media.info import MediaInfo
from framefleet.pipeline.missed import Stretch
from framefleet.progress import Listener, Notice
from framefleet.stages.client import DerivingStage

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class ClientRun:
    """What came of one stage of the client; `result` is None where `error` says why.

    `missed` are stretches of the video that a stage that watches it did not get to see.
    """

    result: Any
    meter: Meter
    error: str | None = None
    missed: Sequence[Stretch] = ()


def derive(
    stages: Sequence[DerivingStage[Any]],
    media: MediaInfo,
    options: Options,
    results: dict[str, Any],
    listener: Listener,
) -> dict[str, ClientRun]:
    """The results of the stages that work on others' results; what goes wrong in one ends it alone."""
    done: dict[str, ClientRun] = {}
    for stage in stages:
        meter, result, error = Meter(), None, None
        try:
            with meter.working():
                result = stage.derive(media, options, {name: results[name] for name in stage.after if name in results})
            results[stage.name] = result
        except Exception as fault:  # a fault of one analysis must not lose the others
            log.warning("%s is ended by its own fault", stage.name, exc_info=fault)
            error = told(fault)
            listener(Notice(f"{stage.name}: {error}"))
        done[stage.name] = ClientRun(result, meter, error)
    return done
