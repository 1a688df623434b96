"""The time that a sampled frame counts for. Pure."""

from framefleet.timebase import Seconds


def counted_s(time_s: Seconds, pts_s: Seconds | None, sampling: str) -> Seconds:
    """Return the sample's time if its frame was on screen then, else the frame's own time.

    With exact sampling the frame was on screen, also if it is shown for many samples. The nearest keyframe may be
    anywhere, and one that serves several samples counts once. `pts_s` is None if no frame is known.
    """
    return time_s if sampling == "exact" or pts_s is None else pts_s
