"""Time as this project counts it: float seconds on the video's clock, exact fractions where rounding would show."""

from fractions import Fraction

import msgspec

Seconds = float


class Span(msgspec.Struct, frozen=True, gc=False):
    """A stretch of the video's clock, `start_s` included and `end_s` not, in seconds."""

    start_s: Seconds
    end_s: Seconds

    @property
    def length_s(self) -> Seconds:
        return self.end_s - self.start_s


def exact(value: float | str | Fraction) -> Fraction:
    """The number a person typed: 0.1 is 1/10 and 29.97 is 2997/100, not their binary neighbours."""
    return value if isinstance(value, Fraction) else Fraction(str(value))


def seconds(value: Fraction) -> Seconds:
    """An exact time for a document: the nearest float, to the microsecond."""
    return round(float(value), 6)
