"""When a sampled picture counts. Pure."""

from framefleet.timebase import Seconds


def counted_s(time_s: Seconds, pts_s: Seconds | None, sampling: str) -> Seconds:
    """A picture counts at the time it was asked for if it was on screen then, else when its frame begins.

    By exact sampling it was, also where one frame stays on for many samples. The nearest keyframe may be anywhere, and
    one that serves several samples is one picture. `pts_s` is None where no frame is known.
    """
    return time_s if sampling == "exact" or pts_s is None else pts_s
