"""The stages of a run, and their waves. Pure.

The stages that are ready at the same time form a wave and share one decode. A stage is ready once all the results that
it needs exist.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from framefleet.errors import UsageError
from framefleet.timebase import Seconds, Span

SPAN_S: Seconds = 5.0
"""The assumed length of a scene, before scenes are known: edited video has a cut every 2.5 to 8 s."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The names of a run's stages, each after all that it needs. `added` are those that only other stages need."""

    names: tuple[str, ...]
    added: frozenset[str]


def plan_graph(asked: Sequence[str], needs: Mapping[str, Iterable[str]]) -> Graph:
    """Return the requested stages and all that they need, in an order in which they can run.

    `needs` has for every registered stage the stages whose results it needs. Raises `UsageError` for an unknown stage,
    and for stages that need each other.
    """
    for name in asked:
        if name not in needs:
            raise UsageError(
                f"--stages {name}: no such stage", hint=f"choose from {', '.join(needs)}", code="stage_unknown"
            )
    wanted: dict[str, tuple[str, ...]] = {}
    open_names = list(asked)
    while open_names:
        name = open_names.pop()
        if name not in wanted:
            if name not in needs:
                missing = next(stage for stage, those in wanted.items() if name in those)
                raise UsageError(f"--stages {missing}: it needs {name}, which is not a stage", code="stage_unknown")
            wanted[name] = tuple(needs[name])
            open_names.extend(wanted[name])
    try:
        sorted_names = tuple(TopologicalSorter({name: wanted[name] for name in needs if name in wanted}).static_order())
    except CycleError as error:
        raise UsageError(f"--stages: stages need each other: {', '.join(error.args[1])}", code="stage_cycle") from None
    return Graph(sorted_names, frozenset(wanted) - frozenset(asked))


def waves(names: Sequence[str], needs: Mapping[str, Iterable[str]]) -> list[tuple[str, ...]]:
    """Return `names`, sorted as by `plan_graph`, in waves: each stage in the first wave in which it is ready."""
    place: dict[str, int] = {}
    for name in names:
        place[name] = max((place[need] + 1 for need in needs[name] if need in place), default=0)
    return [tuple(name for name in names if place[name] == wave) for wave in range(max(place.values(), default=-1) + 1)]


def expected_spans(duration_s: Seconds) -> list[Span]:
    """Return assumed scenes, for plans and estimates before scenes are known."""
    count = max(1, round(duration_s / SPAN_S)) if duration_s > 0 else 0
    edges = [round(duration_s * place / count, 6) for place in range(count + 1)] if count else []
    return [Span(start_s, end_s) for start_s, end_s in pairwise(edges)]


def apart(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in the order of time and disjoint: overlaps are cut off, and spans within another dropped."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start_s, span.end_s)):
        start_s = max(span.start_s, found[-1].end_s) if found else span.start_s
        if span.end_s > start_s:
            found.append(Span(start_s, span.end_s))
    return found
