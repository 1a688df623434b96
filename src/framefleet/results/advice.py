"""What limited a run, and the one thing that would help most. Pure.

Parts that take turns are one line: the decode of the pictures and who looks at them on its thread, the same of the
sound, and the models on this machine. Anything else is a line of its own. Lines run side by side, so a run lasts
about as long as the line that needs most, and nothing saves more than what that one needs longer than the next.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, inf

from framefleet.config import Backend
from framefleet.results.asked import Asked
from framefleet.settings import endpoint_variable
from framefleet.units import Seconds

ENOUGH_S = 3.0  # a run shorter than this has nothing to gain
WORTH = 0.1  # of the run: what saves less is not worth saying
QUEUED = 0.5  # requests' worth that was ready, on average: with less, more places would have stayed empty
IDLE = 0.3  # of the workers' time
HERE = "here"  # the line of the models on this machine


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of a run would take by itself, never waiting for another, and the line it takes turns in.

    `stage` is whose part it is; for models, where they ran, at which kind of endpoint, and what came of the requests.
    """

    needs_s: Seconds
    line: str
    stage: str | None = None
    backend: Backend | None = None
    endpoint: str = ""
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the run was told to do. `dense` pictures were decoded for scenes alone, `sparse` ones for all others."""

    exact: bool = True
    stay_here: bool = False  # --backend local
    warm: bool = False
    paced: bool = False  # --whisper-rpm
    dense: float = 0
    sparse: float = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    bottleneck: str | None
    advice: str | None


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do, and how much sooner the part would be done."""

    saves_s: Seconds
    words: str


def judge(wall_s: Seconds, parts: Mapping[str, Part], how: Circumstances) -> Verdict:
    """`parts` by name, `decode` and `decode sound` among them."""
    if wall_s < ENOUGH_S or not parts:
        return Verdict(None, None)
    lines: dict[str, Seconds] = defaultdict(float)
    for part in parts.values():
        lines[part.line] += part.needs_s
    slowest, next_s = max(lines, key=lines.__getitem__), sorted([0.0, *lines.values()])[-2]
    name = max((n for n, part in parts.items() if part.line == slowest), key=lambda n: parts[n].needs_s)
    # what runs on this machine takes the cores of the decode, so elsewhere it would make that faster too
    spare_s = inf if slowest == HERE else lines[slowest] - next_s
    remedies = list(_remedies(name, parts[name], lines[slowest], next_s, how))
    best = max(remedies, key=lambda remedy: remedy.saves_s, default=None)
    worth = best is not None and min(best.saves_s, spare_s) >= WORTH * wall_s
    return Verdict(name, best.words if best is not None and worth else None)


def _remedies(name: str, part: Part, line_s: Seconds, next_s: Seconds, how: Circumstances) -> Iterator[Remedy]:
    if name == "decode":
        slower = f"{line_s / next_s:.1f} × slower than the rest" if next_s * 1000 > line_s else "what all waited for"
        if (words := _decode_less(how)) is not None:
            yield Remedy(part.needs_s, f"decode was {slower}: {words}")
    elif part.asked is not None and part.backend == "api":
        yield from _of_api(name, part.asked, next_s, how)
    elif part.asked is not None:
        yield from _of_endpoint(name, part.asked, next_s, how)
    elif part.line == HERE:
        drop = "leave out --backend local and " if how.stay_here else ""
        variable = endpoint_variable(part.endpoint)
        yield Remedy(part.needs_s, f"{name} ran on this machine: {drop}set {variable} for a GPU worker")
    elif part.stage == "speech" and part.backend != "local":  # a model here takes longer to listen than to sift
        yield Remedy(
            part.needs_s, f"{name} needed the most time: --no-vad does without, but sends and pays for silence too"
        )


def _decode_less(how: Circumstances) -> str | None:
    scenes = "leave scenes out, which want most of its pictures" if how.dense > how.sparse > 0 else None
    if not how.exact:
        return scenes or ("lower --fps" if how.sparse > 0 else None)
    if scenes:
        return f"{scenes}, or try --sampling keyframes, with scenes cut at keyframes only"
    return "try --sampling keyframes" + (", with scenes cut at keyframes only" if how.dense > 0 else "")


def _of_endpoint(name: str, asked: Asked, next_s: Seconds, how: Circumstances) -> Iterator[Remedy]:
    if asked.starting_s > 0:
        waited = f"{name}: requests waited up to {asked.start_s:.1f} s for a worker to start"
        if 2 * asked.warmable_s >= asked.starting_s and not how.warm:
            remedy = f"--warm {min(asked.workers, asked.at_once)} wakes workers before decoding"
        else:
            remedy = "give its endpoint min workers, which are billed all the time"
        yield Remedy(asked.starting_s / asked.at_once, f"{waited}: {remedy}")
    few, workers = asked.workers < asked.at_once, "one worker" if asked.workers == 1 else f"{asked.workers} workers"
    if few and asked.queued_s > 0:
        times = f"requests waited {asked.queued_s / max(asked.ran_s, 1e-9):.1f} × as long as they ran"
        raised = f"raise the endpoint's max workers to {asked.at_once}"
        yield Remedy(asked.queued_s / asked.at_once, f"{name}: {times}, for {workers}: {raised}")
    if asked.idle > IDLE:
        enough = ceil(asked.places / max(1 - asked.idle, 1e-9))
        yield from _more_places(f"{name}: {workers} idle {asked.idle:.0%} with more to do", asked, next_s, enough)
    elif not few:
        yield from _more_places(f"{name}: {workers} at work with more to do", asked, next_s, also="the endpoint's too")


def _of_api(name: str, asked: Asked, next_s: Seconds, how: Circumstances) -> Iterator[Remedy]:
    if how.paced and asked.queued_s > asked.ran_s:
        words = f"{name}: requests waited for their turn: raise --whisper-rpm, if the service takes more"
        yield Remedy(asked.queued_s / asked.at_once, words)
    else:
        yield from _more_places(f"{name}: there was more to ask", asked, next_s)


def _more_places(
    why: str, asked: Asked, next_s: Seconds, enough: int | None = None, *, also: str = ""
) -> Iterator[Remedy]:
    """More requests at once, where some were ready: twice as many at most, and no more than `enough`.

    Nor than there were requests, nor than what makes the stage as fast as the rest.
    """
    if asked.queue < QUEUED or not asked.ceiling:
        return
    balanced = asked.places * asked.needs_s / next_s if next_s > 0 else inf
    more = ceil(min(asked.count, 2 * asked.places, balanced, enough or inf))
    if more > asked.places:
        working_s = max(0.0, asked.asked_s - asked.starting_s - asked.queued_s)
        saves_s = working_s / asked.places - working_s / more
        yield Remedy(saves_s, f"{why}: raise --max-workers to {more}" + (f", and {also}" if also else ""))
