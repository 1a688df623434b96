"""The bottleneck of a run, and the one change that would help most. Pure.

Parts that take turns form one line: the decode of the frames with what analyses them on its thread, the same for
sound, and the models on this machine. Any other part is a line of its own. Lines run in parallel, so a run takes
about as long as its longest line, and a change saves at most the difference to the second longest.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor, inf

from framefleet.config.settings import endpoint_variable
from framefleet.fleet.billing.prices import IDLE_TIMEOUT_S
from framefleet.results.timing.requests import RequestTiming
from framefleet.stages.registry import SPECS
from framefleet.timebase import Seconds

ENOUGH_S = 3.0  # a shorter run has nothing to gain
WORTH = 0.1  # of the run: advice that saves less is not given
QUEUED = 0.5  # requests that were ready, on average: with fewer, more places would have stayed empty
IDLE = 0.3  # of the workers' time
DEARER = 0.02  # of the bill: what the starts and ends of more workers may add; more idling is added to it
NEARLY = 0.9  # of the next line's speed: faster workers would wait for it
CROWD = 8  # jobs being sent at once
FULL = 0.7  # of the processors, or of RunPod's rates: above it there is no room for more
SHARED = 0.4  # of what requests share: above it they slow each other down
HERE = "here"  # the line of the models on this machine


@dataclass(frozen=True, slots=True)
class Part:
    """The time a part of a run would take by itself, without waiting for others, and the line it belongs to.

    `stage` is the stage it belongs to. For models, `endpoint` is the kind of endpoint that they serve, `asked` the
    timing of their requests, and `remote` and `billed` describe their backend.
    """

    needs_s: Seconds
    line: str
    stage: str | None = None
    endpoint: str = ""
    asked: RequestTiming | None = None
    remote: bool = False
    billed: bool = False


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The settings of a run. `dense` frames were decoded for scenes alone, `sparse` ones for all other stages."""

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
    """A change to suggest, and the time it would save the part."""

    saves_s: Seconds
    words: str


def judge(wall_s: Seconds, parts: Mapping[str, Part], how: Circumstances) -> Verdict:
    """Return the bottleneck and advice. `parts` is by name, with `decode` and `decode sound` among them."""
    if wall_s < ENOUGH_S or not parts:
        return Verdict(None, None)
    lines: dict[str, Seconds] = defaultdict(float)
    for part in parts.values():
        lines[part.line] += part.needs_s
    slowest, next_s = max(lines, key=lines.__getitem__), sorted([0.0, *lines.values()])[-2]
    name = max((n for n, part in parts.items() if part.line == slowest), key=lambda n: parts[n].needs_s)
    # a model on this machine takes cores from the decode, so moving it to a worker speeds that up too
    spare_s = inf if slowest == HERE else lines[slowest] - next_s
    remedies = list(_remedies(name, parts[name], lines[slowest], next_s, how))
    best = max(remedies, key=lambda remedy: remedy.saves_s, default=None)
    if best is not None and min(best.saves_s, spare_s) >= WORTH * wall_s:
        return Verdict(name, best.words)
    return Verdict(name, _limit(name, parts[name]))


def _remedies(name: str, part: Part, line_s: Seconds, next_s: Seconds, how: Circumstances) -> Iterator[Remedy]:
    if name == "decode":
        slower = f"{line_s / next_s:.1f} × slower than the rest" if next_s * 1000 > line_s else "the bottleneck"
        if (words := _decode_less(how)) is not None:
            yield Remedy(part.needs_s, f"decode was {slower}: {words}")
    elif part.asked is not None and not part.billed:
        yield from _of_api(name, part.asked, next_s, how)
    elif part.asked is not None:
        yield from _of_endpoint(name, part.asked, next_s, how)
    elif part.line == HERE:
        drop = "drop --backend local and " if how.stay_here else ""
        variable = endpoint_variable(part.endpoint)
        yield Remedy(part.needs_s, f"{name} ran on this machine: {drop}set {variable} for a GPU worker")
    elif part.remote and part.stage in SPECS and (unfiltered := SPECS[part.stage].unfiltered):
        yield Remedy(part.needs_s, f"{name} was the bottleneck: {unfiltered}")  # running it locally takes longer


def _decode_less(how: Circumstances) -> str | None:
    scenes = "drop the scenes stage, which takes most of its frames" if how.dense > how.sparse > 0 else None
    if not how.exact:
        return scenes or ("lower --fps" if how.sparse > 0 else None)
    if scenes:
        return f"{scenes}, or try --sampling keyframes, with scenes cut at keyframes only"
    return "try --sampling keyframes" + (", with scenes cut at keyframes only" if how.dense > 0 else "")


def _of_endpoint(name: str, asked: RequestTiming, next_s: Seconds, how: Circumstances) -> Iterator[Remedy]:
    if asked.starting_s > 0:
        waited = f"{name}: requests waited up to {asked.start_s:.1f} s for a cold start"
        saves_s = asked.starting_s / asked.at_once
        if 2 * asked.warmable_s < asked.starting_s or how.warm:
            yield Remedy(saves_s, f"{waited}: set min workers on its endpoint, billed all the time")
        elif asked.early_s <= DEARER * _bill_s(asked):
            yield Remedy(saves_s, f"{waited}: --warm {min(asked.workers, asked.at_once)} wakes workers before decoding")
    few, workers = asked.workers < asked.at_once, _counted(asked.workers)
    now = asked.at_work
    enough = min(_busied(asked, next_s), now + _affordable(asked), _reachable(asked, now))
    if few and asked.queued_s > 0 and enough > asked.workers:
        times = f"requests waited {asked.queued_s / max(asked.ran_s, 1e-9):.1f} × as long as they ran"
        raised = f"raise the endpoint's max workers to {enough}"
        saves_s = min(asked.queued_s / asked.at_once, asked.busy_s * (1 - now / enough))
        yield Remedy(saves_s, f"{name}: {times}, for {_counted(now)}: {raised}")
    if asked.idle > IDLE and asked.workers > asked.places:
        return  # idle workers stopped and others started: more workers would do the same
    if asked.idle > IDLE:
        enough = ceil(asked.places / max(1 - asked.idle, 1e-9))
        yield from _more_places(f"{name}: {workers} idle {asked.idle:.0%} with more to do", asked, next_s, enough)
    elif not few:
        yield from _more_places(f"{name}: {workers} busy with more to do", asked, next_s, also="the endpoint's too")


def _of_api(name: str, asked: RequestTiming, next_s: Seconds, how: Circumstances) -> Iterator[Remedy]:
    if how.paced and asked.queued_s > asked.ran_s:
        words = f"{name}: requests waited for their turn: raise --whisper-rpm, if the service allows more"
        yield Remedy(asked.queued_s / asked.at_once, words)
    else:
        yield from _more_places(f"{name}: more requests were ready", asked, next_s, billed=False)


def _more_places(
    why: str, asked: RequestTiming, next_s: Seconds, enough: int | None = None, *, also: str = "", billed: bool = True
) -> Iterator[Remedy]:
    """Suggest more requests in flight if some were ready: at most twice as many, and no more than `enough`.

    Also no more than there were requests, than makes the stage as fast as the rest, than this machine and the service
    can handle and, if each place may start a `billed` worker, than costs about the same.
    """
    if asked.queue < QUEUED or not asked.ceiling:
        return
    balanced = asked.places * asked.needs_s / next_s if next_s > 0 else inf
    more = ceil(min(asked.count, 2 * asked.places, balanced, enough or inf))
    more = min(more, _reachable(asked, asked.places, rated=billed))
    if billed:
        more = floor(min(more, asked.places + _affordable(asked), NEARLY * balanced))
    if more > asked.places:
        working_s = max(0.0, asked.asked_s - asked.starting_s - asked.queued_s)
        saves_s = working_s / asked.places - working_s / more
        yield Remedy(saves_s, f"{why}: raise --max-workers to {more}" + (f", and {also}" if also else ""))


def _busied(asked: RequestTiming, next_s: Seconds) -> int:
    """Return how many workers the places keep busy, limited to those that make the stage as fast as the rest."""
    served_s = asked.ran_s + asked.asking_s
    kept = asked.at_once * asked.ran_s / served_s if served_s > 0 else inf
    balanced = asked.at_work * asked.needs_s / next_s if next_s > 0 else inf
    return floor(min(asked.at_once, kept, NEARLY * balanced))


def _bill_s(asked: RequestTiming) -> Seconds:
    """Return an estimate of the billed time of all workers together."""
    if asked.billed_s:
        return asked.billed_s + asked.workers * asked.cold_s
    return asked.workers * (asked.busy_s + _lost_s(asked))


def _lost_s(asked: RequestTiming) -> Seconds:
    """Return the billed time of a worker apart from its work: cold start, idle timeout and rounding up to a second."""
    return max(asked.start_s, asked.cold_s) + IDLE_TIMEOUT_S + 1


def _affordable(asked: RequestTiming) -> int:
    """Return how many more workers may share the work before it costs noticeably more.

    Each has a cold start and an idle timeout. If workers came and went, one that is always up counts as several.
    """
    return floor(DEARER * _bill_s(asked) / _lost_s(asked) * _up_at_once(asked) / asked.workers)


def _up_at_once(asked: RequestTiming) -> float:
    """Return about how many workers were up at a time."""
    return min(asked.workers, _bill_s(asked) / (asked.busy_s + _lost_s(asked)))


def _reachable(asked: RequestTiming, now: int, *, rated: bool = True) -> int:
    """Return how many places or workers, instead of `now`, the resources that they share can keep busy.

    If many jobs are always being sent, how long one alone would take is unknown, so `now` is returned.
    """
    if asked.on_the_way > CROWD:
        return now
    used = max(asked.cpu / FULL, asked.shared / SHARED, asked.service / FULL if rated else 0.0)
    return floor(now * max(1.0, min(2.0, 1 / used))) if used > 0 else 2 * now


def _limit(name: str, part: Part) -> str | None:
    """Return what limited the part if all places were taken while workers idled; None otherwise."""
    asked = part.asked
    if asked is None or asked.queue < QUEUED or asked.idle <= IDLE or not asked.count:
        return None
    crowded = asked.at_once > 1 and asked.shared >= FULL
    if asked.service >= 1:
        limit = f"RunPod's rate limit is the bottleneck ({asked.rate:.0f} requests per second sent and polled)"
    elif asked.cpu >= FULL:
        limit = "this machine's CPU is the bottleneck"
    elif crowded or asked.on_the_way > CROWD:
        limit = "this machine or its network is the bottleneck"
    else:
        return None
    known = crowded or asked.cpu >= FULL or asked.service >= 1  # else the latency may just be high
    as_fast = ": fewer would be as fast" if known else ""
    return f"{name}: {limit}, not the {_counted(asked.workers)}, idle {asked.idle:.0%}{as_fast}"


def _counted(workers: int) -> str:
    return "one worker" if workers == 1 else f"{workers} workers"
