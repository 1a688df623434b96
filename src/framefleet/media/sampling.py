"""The parts of a video that are analyzed, the samples in them, and the frame on screen at each. Pure.

Sampling at F frames per second means the frames on screen at t = 0, 1/F, 2/F, … before the end, whatever the video's
own frame rate. The frame on screen at t is the last one whose presentation time is ≤ t (TorchCodec's
`get_frames_played_at`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import ceil
from typing import Protocol, TypeVar

from framefleet.errors import UsageError
from framefleet.media.types import MediaInfo, Sample
from framefleet.timebase import Seconds, Span, exact, seconds


class TimedWant(Protocol):
    """Anything that is wanted at a time on the video's clock."""

    @property
    def time(self) -> Fraction: ...


Frame = TypeVar("Frame")
Wanted = TypeVar("Wanted", bound=TimedWant)

_HALF_MICROSECOND = Fraction(1, 2_000_000)


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


DENSER = 4
"""How many times as often frames are sampled in the first seconds, if those are to be looked at closely."""


def samples_of(media: MediaInfo, fps: float | str | Fraction) -> list[Sample]:
    """Return the samples of the parts of a video that are analyzed. See `plan_samples`."""
    return plan_samples(
        media.duration_s,
        fps,
        pictures_s=media.pictures_s,
        parts=media.parts,
        dense_first_s=media.dense_first_s,
    )


def plan_samples(
    duration_s: Seconds,
    fps: float | str | Fraction,
    *,
    pictures_s: Seconds | None = None,
    parts: Sequence[Span] = (),
    dense_first_s: Seconds = 0.0,
) -> list[Sample]:
    """Return the samples of a video of `duration_s` seconds: number k at exactly k / `fps` seconds, before the end.

    Durations are known to the microsecond (`MediaInfo` rounds to it), so "before" means in an earlier microsecond:
    574.0000001 s at 1 fps are 574 samples, and n / fps seconds are n samples even where rounding raised n / fps. A
    video of any length has a sample at 0. Samples from `pictures_s` on, the end of the video stream (None: that of the
    file), are marked `held`.

    With `parts`, disjoint and in order, the samples of each begin at its start, and indices run on from part to part.
    In the first `dense_first_s` seconds there are `DENSER` times as many. Raises `UsageError` if `fps` is not positive.
    """
    rate = exact(fps)
    if rate <= 0:
        raise UsageError(f"fps {fps}: not above 0", hint="give a number above 0, such as 1 or 0.5")
    length = round(exact(duration_s), 6)
    end = length if pictures_s is None else exact(pictures_s)
    spans = [(exact(part.start_s), exact(part.end_s)) for part in parts] or [(Fraction(0), length)]
    paced = [each for span in _dense(spans, exact(dense_first_s)) for each in _times(*span, rate)]
    held = max(1, bisect_left(paced, end))
    return [Sample(index, time, index >= held) for index, time in enumerate(paced)]


def _dense(spans: Iterable[tuple[Fraction, Fraction]], dense: Fraction) -> Iterator[tuple[Fraction, Fraction, int]]:
    """Yield the spans with the multiple of the rate in each; one is divided where the dense ones end."""
    for start, end in spans:
        middle = min(end, start + dense)
        if start < middle:
            yield start, middle, DENSER
        if middle < end:
            yield middle, end, 1
        dense -= middle - start


def _times(start: Fraction, end: Fraction, denser: int, rate: Fraction) -> Iterator[Fraction]:
    """Yield the times of the samples in a span: at least the first."""
    pace = rate * denser
    for number in range(
        _count(start, end, pace)
    ):  # two hours have 36,000: adding 0 to each, or dividing it, would double the time
        time = Fraction(number * pace.denominator, pace.numerator)
        yield start + time if start else time


def _count(start: Fraction, end: Fraction, pace: Fraction) -> int:
    return max(1, ceil((end - start - _HALF_MICROSECOND) * pace)) if start < end else 0


def sample_span(
    index: int, duration_s: Seconds, fps: float, *, parts: Sequence[Span] = (), dense_first_s: Seconds = 0.0
) -> Span | None:
    """Return the span from one sample of `plan_samples` to the next, or to the end of its part; None if there is none.

    The samples are counted, not listed: a document's rate and length may be anything.
    """
    rate = exact(fps)
    if rate <= 0 or index < 0:
        return None
    spans = [(exact(part.start_s), exact(part.end_s)) for part in parts] or [(Fraction(0), round(exact(duration_s), 6))]
    for start, end, denser in _dense(spans, exact(dense_first_s)):
        pace = rate * denser
        count = _count(start, end, pace)
        if index < count:
            return Span(seconds(start + index / pace), seconds(min(start + (index + 1) / pace, end)))
        index -= count
    return None


def pick(times: Sequence[Fraction], at: Fraction) -> int | None:
    """Return the index in the ascending `times` of the frame on screen at `at`; None before the first frame."""
    place = bisect_right(times, at)
    return place - 1 if place else None


def on_screen(
    frames: Iterable[tuple[Fraction, Frame]], samples: Iterable[Wanted]
) -> Iterator[tuple[Wanted, Fraction, Frame]]:
    """Yield each sample with the time and the frame on screen then. Both inputs, and the output, are in order of time.

    This is `pick` for a stream: it holds one frame, and reads no further than the first frame after the last sample.
    The last frame serves all samples that follow it; samples before the first frame are skipped.
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
