"""The parts of a video that are analyzed, if not all of it is. Pure."""

from framefleet.errors import UsageError
from framefleet.timebase import Seconds, Span

END_S = 10.0
"""The length of each of the three parts of a short look: at the start, in the middle and at the end."""


def chosen_parts(
    duration_s: Seconds, from_s: Seconds | None = None, to_s: Seconds | None = None, *, ends: bool = False
) -> tuple[Span, ...]:
    """Return the parts between `from_s` and `to_s` of a video, in order; () for all of it.

    With `ends` these are `END_S` at the start of it, in the middle and at the end; what is not longer is taken whole.
    Raises `UsageError` for an end that is not after its start, or a start after the end of the video.
    """
    start, end = from_s or 0.0, duration_s if to_s is None else min(to_s, duration_s)
    if to_s is not None and to_s <= start:
        raise UsageError(f"--to {to_s:g}: not after the start, {start:g} s")
    if from_s is not None and start >= duration_s:
        raise UsageError(f"--from {start:g}: the video ends at {duration_s:g} s", code="after_the_end")
    if ends and end - start > 3 * END_S:
        middle = round((start + end - END_S) / 2, 6)
        return (
            Span(start, start + END_S),
            Span(middle, round(middle + END_S, 6)),
            Span(round(end - END_S, 6), end),
        )
    return () if (start, end) == (0.0, duration_s) else (Span(start, end),)
