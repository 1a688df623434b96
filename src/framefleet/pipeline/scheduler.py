"""Which stages a run has, and in which waves they go. Pure.

What is ready forms a wave: its stages share one decode. A stage is ready when all that it works on is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from framefleet.errors import UsageError
from framefleet.timebase import Seconds, Span

SPAN_S: Seconds = 5.0
"""How long a scene is expected to be before it is known: edited video has a cut every 2.5 to 8 s."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Names of a run's stages, each after all that it needs. `added`: nobody asked for them, but another needs them."""

    names: tuple[str, ...]
    added: frozenset[str]


def plan_graph(asked: Sequence[str], needs: Mapping[str, Iterable[str]]) -> Graph:
    """The stages asked for, with all that they need, in an order in which they can be done.

    `needs` names for every stage there is the stages whose results it works on. Raises `UsageError` for a name that is
    no stage, and for stages that wait for each other.
    """
    for name in asked:
        if name not in needs:
            raise UsageError(f"--stages {name}: no such stage; there are {', '.join(needs)}")
    wanted: dict[str, tuple[str, ...]] = {}
    open_names = list(asked)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            if name not in needs:
                missing = next(stage for stage, those in wanted.items() if name in those)
                raise UsageError(f"--stages {missing}: it needs {name}, which is no stage here")
            wanted[name] = tuple(needs[name])
            open_names.extend(wanted[name])
    try:
        sorted_names = tuple(TopologicalSorter({name: wanted[name] for name in needs if name in wanted}).static_order())
    except CycleError as error:
        raise UsageError(f"--stages: these wait for each other: {', '.join(error.args[1])}") from None
    return Graph(sorted_names, frozenset(wanted) - frozenset(asked))


def waves(names: Sequence[str], needs: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """`names`, which are sorted as `plan_graph` does, by waves: each stage in the first in which it is ready."""
    place: dict[str, int] = {}
    for name in names:
        place[name] = max((place[need] + 1 for need in needs[name] if need in place), default=0)
    return [tuple(name for name in names if place[name] == wave) for wave in range(max(place.values(), default=-1) + 1)]


def expected_spans(duration_s: Seconds) -> list[Span]:
    """What scenes are planned and priced with until they are known."""
    count = max(1, round(duration_s / SPAN_S)) if duration_s > 0 else 0
    edges = [round(duration_s * place / count, 6) for place in range(count + 1)] if count else []
    return [Span(start_s, end_s) for start_s, end_s in pairwise(edges)]


def apart(spans: Iterable[Span]) -> list[Span]:
    """The spans in the order of time, none reaching into the one before: what lies within another is left out."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start_s, span.end_s)):
        start_s = max(span.start_s, found[-1].end_s) if found else span.start_s
        if span.end_s > start_s:
            found.append(Span(start_s, span.end_s))
    return found
