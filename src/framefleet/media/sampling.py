"""Which pictures a run looks at, and which frame is on screen then. Pure: no file is opened.

Sampling at F pictures a second means the pictures on screen at t = 0, 1/F, 2/F, … before the end, whatever the video's
own frame rate. The one on screen at t is the last frame whose presentation time is ≤ t (what TorchCodec calls
`get_frames_played_at`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import ceil
from typing import Protocol, TypeVar

from framefleet.errors import UsageError
from framefleet.media.types import Sample
from framefleet.timebase import Seconds, exact


class TimedWant(Protocol):
    """Something wanted at a time of the video's clock."""

    @property
    def time(self) -> Fraction: ...


Frame = TypeVar("Frame")
Wanted = TypeVar("Wanted", bound=TimedWant)

_HALF_MICROSECOND = Fraction(1, 2_000_000)


def plan_samples(
    duration_s: Seconds, fps: float | str | Fraction, *, pictures_s: Seconds | None = None
) -> list[Sample]:
    """Every sample k at exactly k / `fps` seconds that lies before the end of a video of `duration_s` seconds.

    Durations are known to the microsecond (`MediaInfo` rounds to it), so "before" means in an earlier microsecond:
    574.0000001 s at 1 fps are 574 pictures, and n / fps seconds are n pictures also where rounding lifted n / fps.
    A video of any length has the sample at 0. Pictures end at `pictures_s` (None: with the video). Raises `UsageError`
    where `fps` is not positive.
    """
    rate = exact(fps)
    if rate <= 0:
        raise UsageError(f"fps {fps}: give a number above 0, such as 1 or 0.5")
    length = round(exact(duration_s), 6)
    count = max(1, ceil((length - _HALF_MICROSECOND) * rate)) if length > 0 else 0
    end = length if pictures_s is None else exact(pictures_s)
    return [Sample(index, index / rate, index > 0 and index / rate >= end) for index in range(count)]


def pick(times: Sequence[Fraction], at: Fraction) -> int | None:
    """The place in ascending `times` of the frame on screen at `at`; None before the first."""
    place = bisect_right(times, at)
    return place - 1 if place else None


def on_screen(
    frames: Iterable[tuple[Fraction, Frame]], samples: Iterable[Wanted]
) -> Iterator[tuple[Wanted, Fraction, Frame]]:
    """Each sample with the time and the frame on screen then; both given, and told, in the order of time.

    `pick` for a stream: holds one frame, and reads no further than the first frame after the last sample.
    The last frame stays on for all samples that follow it; samples before the first frame get none.
    """
    wanted = iter(samples)
    sample = next(wanted, None)
    shown: tuple[Fraction, Frame] | None = None
    for frame in frames:
        while sample is not None and sample.time < frame[0]:
            if shown is not None:
                yield sample, *shown
            sample = next(wanted, None)
        if sample is None:
            return
        shown = frame
    while sample is not None and shown is not None:
        yield sample, *shown
        sample = next(wanted, None)
