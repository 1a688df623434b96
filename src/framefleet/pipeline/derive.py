"""Stages that work on what other stages found, once those are done."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from framefleet.config import Options
from framefleet.media.info import MediaInfo
from framefleet.progress import Listener, Notice
from framefleet.stages.client import DerivingStage
from framefleet.units import Seconds


@dataclass(frozen=True, slots=True)
class ClientRun:
    """What came of one stage of the client; `result` is None where `error` says why."""

    result: Any
    busy_s: Seconds
    error: str | None = None


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
        began, result, error = perf_counter(), None, None
        try:
            result = stage.derive(media, options, {name: results[name] for name in stage.after if name in results})
            results[stage.name] = result
        except Exception as fault:  # noqa: BLE001 - a fault of one analysis must not lose the others
            error = " ".join(f"{type(fault).__name__}: {fault}".split())
            listener(Notice(f"{stage.name}: {error}"))
        done[stage.name] = ClientRun(result, perf_counter() - began, error)
    return done
