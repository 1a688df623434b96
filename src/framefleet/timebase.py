"""Time: float seconds on the video's clock, exact fractions where rounding would show."""

import re
from fractions import Fraction

import msgspec

Seconds = float

_CLOCK = re.compile(r"-?(?:(?:(\d{1,9}):)?([0-5]?\d):)?(\d{1,9}(?:\.\d*)?|\.\d+)", re.ASCII)


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


def seconds_of(text: str) -> Seconds | None:
    """Parse `12.5`, `0:12.5` or `1:02:03` into seconds; return None for anything else."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, rest = found.groups()
    if minutes is not None and float(rest) >= 60:
        return None
    time_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)
    return -time_s if text.strip().startswith("-") else time_s
