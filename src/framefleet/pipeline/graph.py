"""Which stages a run has, and what has to be there before each. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from framefleet.errors import UsageError


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
            wanted[name] = tuple(needs[name])
            open_names.extend(wanted[name])
    try:
        sorted_names = tuple(TopologicalSorter({name: wanted[name] for name in needs if name in wanted}).static_order())
    except CycleError as error:
        raise UsageError(f"--stages: these wait for each other: {', '.join(error.args[1])}") from None
    return Graph(sorted_names, frozenset(wanted) - frozenset(asked))
