"""`framefleet endpoints`: the configured endpoints and the state of their jobs and workers."""

from collections.abc import Mapping
from contextlib import closing

from framefleet.config.loading import load_fleet
from framefleet.errors import FleetError
from framefleet.fleet.backends.base import Health


def endpoints() -> int:
    """List the configured endpoints, with their jobs and workers by state."""
    from framefleet.fleet.backends.runpod.backend import RunPodBackend

    fleet = load_fleet()
    if not fleet.endpoints:
        print("no endpoints configured; create them with framefleet deploy, or set FRAMEFLEET_YOLO_ENDPOINT to an id")
        return 0
    failed = 0
    with closing(RunPodBackend(fleet)) as backend:
        for kind, id in fleet.endpoints.items():
            try:
                state = _state(backend.health(kind))
            except FleetError as error:
                failed, state = failed + 1, f"FAIL: {error}"
            print(f"{kind:<8} {id:<16} {state}")
    return 1 if failed else 0


def _state(health: Health) -> str:
    return f"jobs: {_counted(health.jobs) or 'none'}; workers: {_counted(health.workers) or 'none running'}"


def _counted(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items() if count)
