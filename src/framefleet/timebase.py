"""Time: float seconds on the video's clock, exact fractions where rounding would show."""

from fractions import Fraction

import msgspec

Seconds = float


class Span(msgspec.Struct, frozen=True, gc=False):
    """A part of the video's clock, from `start_s` (inclusive) to `end_s` (exclusive), in seconds."""

    start_s: Seconds
    end_s: Seconds

    @property
    def length_s(self) -> Seconds:
        return self.end_s - self.start_s


def exact(value: float | str | Fraction) -> Fraction:
    """Return the number as it was typed: 0.1 is 1/10 and 29.97 is 2997/100, not the nearest binary fraction."""
    return value if isinstance(value, Fraction) else Fraction(str(value))


def seconds(value: Fraction) -> Seconds:
    """Return an exact time as documents have it: the nearest float, rounded to the microsecond."""
    return round(float(value), 6)
