"""What limited a run, and the one thing that would help most. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from framefleet.config import Backend
from framefleet.units import Seconds

ENOUGH_S = 3.0  # a run shorter than this has nothing to gain
CLEARLY = 1.2  # busy so many times longer than the next before it is called the bottleneck


@dataclass(frozen=True, slots=True)
class Load:
    """How busy one part of a run was. `workers` ran at once, each `idle` of the time (0 to 1); None where not known."""

    busy_s: Seconds
    backend: Backend | None = None
    workers: int = 1
    idle: float | None = None
    queued: float | None = None  # waiting in the service's queue per second of work
    ceiling: int | None = None  # --max-workers
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    bottleneck: str | None
    advice: str | None


def judge(wall_s: Seconds, loads: Mapping[str, Load], *, exact: bool) -> Verdict:
    """`loads` by name, `decode` among them; `exact`: pictures were sampled exactly."""
    if wall_s < ENOUGH_S or not loads:
        return Verdict(None, None)
    ranked = sorted(loads, key=lambda name: loads[name].busy_s, reverse=True)
    slowest = ranked[0]
    others = loads[ranked[1]].busy_s if len(ranked) > 1 else 0.0
    ratio = loads[slowest].busy_s / others if others > 0 else float("inf")
    return Verdict(slowest, _advice(slowest, loads[slowest], ratio, exact=exact))


def _advice(name: str, load: Load, ratio: float, *, exact: bool) -> str | None:
    if name == "decode":
        times = f"decode was {ratio:.1f} × slower than the rest" if ratio < 1000 else "all the time went into decoding"
        if ratio < CLEARLY:
            return None
        return f"{times}: try --sampling keyframes" if exact else f"{times}: lower --fps"
    if load.backend == "local":
        return f"{name} ran on this machine: set FRAMEFLEET_{(load.endpoint or name).upper()}_ENDPOINT for a GPU worker"
    if load.queued is not None and load.queued > 1.0:
        return f"{name}: requests waited {load.queued:.1f} × as long as they ran: raise the endpoint's max workers"
    if load.idle is not None and load.idle > 0.3 and load.ceiling is not None:
        return f"{name}: workers idle {load.idle:.0%}: raise --max-workers to {2 * load.ceiling}"
    return None
