"""How much there was over time, in a few characters. Pure."""

from collections.abc import Sequence
from itertools import pairwise

from framefleet.results.tally import Level

_BLOCKS, _PLAIN = " ▁▂▃▄▅▆▇█", ".:+#"
"""From nothing to the most of its kind."""

_UNLOOKED = "?"


def spark(levels: Sequence[Level], width: int, *, blocks: bool) -> str:
    """At most `width` characters: blocks, a space for nothing; or `.` for nothing, `:`, `+`, `#`. `?`: nobody looked.

    Of levels that share a character the highest counts, so that what is short is still seen.
    """
    return "".join(_char(level, blocks=blocks) for level in squeezed(levels, width))


def squeezed(levels: Sequence[Level], width: int) -> list[Level]:
    """`levels` in at most `width` groups that differ in size by no more than one; each as high as its highest."""
    count = min(width, len(levels))
    edges = [place * len(levels) // count for place in range(count + 1)] if count else []
    groups = (levels[start:end] for start, end in pairwise(edges))
    return [max((level for level in group if level is not None), default=None) for group in groups]


def _char(level: Level, *, blocks: bool) -> str:
    if level is None:
        return _UNLOOKED
    chars = _BLOCKS if blocks else _PLAIN
    return chars[0] if level <= 0 else chars[max(1, min(len(chars) - 1, round(level * (len(chars) - 1))))]
