"""How many videos are analyzed at once, by which executor and in what order, and what they take and cost together."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from framefleet.config.endpoints import Fleet, endpoint_kinds
from framefleet.config.options import Options
from framefleet.errors import UsageError
from framefleet.executors.base import Executor, Task
from framefleet.fleet.backends.registry import backends
from framefleet.pipeline.plan import StagePlan
from framefleet.results.places import places_of
from framefleet.timebase import Seconds

ENGINES = ("threads", "slots", "ray")

ON_ENDPOINTS, HERE = 4, 2
"""Videos at once by `auto`. On endpoints, 12 videos of 8–16 s took 40–50 s of 120–150 with 4, and no less with 8: the
client's CPU was the limit. On this machine, models take turns, and a second video is decoded meanwhile."""

MANY = 10  # videos, from which on the largest files are analyzed first: a long one at the end would be alone


def executor_named(engine: str, at_once: int) -> Executor:
    """Return the executor of that name, for so many videos at once. Raises `UsageError` if there is none."""
    if engine == "threads":
        from framefleet.executors.threads import Threads

        return Threads(at_once)
    if engine == "slots":
        from framefleet.executors.slots import Slots

        return Slots(at_once)
    if engine == "ray":
        from framefleet.executors.ray import Ray

        return Ray(at_once)
    raise UsageError(f"--engine {engine}: no such engine", hint=f"choose from {', '.join(ENGINES)}")


def number_at_once(given: int | Literal["auto"], videos: int, options: Options, fleet: Fleet) -> int:
    """Return how many videos to analyze at the same time. Raises `UsageError` for less than one."""
    if given != "auto":
        if given < 1:
            raise UsageError(f"--videos {given}: at least one video is analyzed at a time", hint="give 1 or more")
        return max(1, min(given, videos))
    chosen = [kind for name, kind in backends().items() if options.backend in {"auto", name}]
    remote = any(kind.capabilities.remote and kind.serves(fleet, one) for kind in chosen for one in endpoint_kinds())
    return max(1, min(ON_ENDPOINTS if remote else HERE, videos))


def tasks_of(videos: Sequence[Path], options: Options) -> list[Task]:
    """Return a task per video, each with a name of its own for the results, in the order in which to start them."""
    places = places_of(videos, options.output_dir)
    tasks = [Task(video, options, place.name, place.taken) for video, place in places.items()]
    return sorted(tasks, key=lambda task: -_bytes(task.video)) if len(tasks) > MANY else tasks


def _bytes(video: Path) -> int:
    try:
        return video.stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True, slots=True)
class CorpusEstimate:
    """The expected wall seconds and dollars of all videos together.

    `usd_least` is with workers that go from one video to the next, `usd_most` with workers that idle and stop after
    each, which a budget reserves.
    """

    seconds: Seconds
    usd_least: float
    usd_most: float
    usd_sequential: float


@dataclass(slots=True)
class _EndpointLoad:
    """The workers of an endpoint, as many as any video has, that go from one video to the next and idle once."""

    number: int = 1
    at_work_s: Seconds = 0.0
    idle_s: Seconds = 0.0
    usd_per_s: float = 0.0  # each

    def add(self, plan: StagePlan) -> None:
        self.number = max(self.number, plan.workers)
        self.at_work_s += plan.workers * plan.estimate.seconds
        self.idle_s = plan.tariff.idle_s
        self.usd_per_s = plan.estimate.usd / (plan.workers * math.ceil(plan.estimate.seconds + self.idle_s))

    @property
    def usd(self) -> float:
        return self.usd_per_s * self.number * math.ceil(self.at_work_s / self.number + self.idle_s)


def corpus_estimate(videos: Iterable[Sequence[StagePlan]]) -> CorpusEstimate:
    """Return the estimate for the plans of the stages of each video.

    Videos share the workers of an endpoint, so that its times add up; endpoints work side by side, and models on this
    machine one after the other.
    """
    wall_s: dict[tuple[str, str] | None, Seconds] = defaultdict(float)
    workers: dict[tuple[str, str], _EndpointLoad] = defaultdict(_EndpointLoad)
    most = sequential = 0.0
    for plans in videos:
        for plan in plans:
            if not plan.items:
                continue
            place = (plan.backend, plan.endpoint_id) if plan.capabilities.remote else None
            wall_s[place] += plan.estimate.seconds
            most += plan.estimate.usd
            sequential += plan.estimate.usd_sequential
            if place is not None and plan.estimate.usd:
                workers[place].add(plan)
    least = sum(one.usd for one in workers.values())
    return CorpusEstimate(max(wall_s.values(), default=0.0), min(least, most), most, sequential)
