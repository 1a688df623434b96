"""Words that several commands say the same way, and the one way of saying what others wrote."""

import re
import unicodedata
from collections.abc import Sequence

from framefleet.results.query.phrases import alike

NOUN = {"frames": "Batch", "s": "Chunk"}
"""What a request is called, by the unit of the work in it."""

MANY = 20  # names told of what is there, where something is not

_MARKS = 4  # marks on one letter; no language stacks more, and a tower of them covers other lines
_CLOCK = re.compile(r"-?(?:(?:(\d{1,9}):)?([0-5]?\d):)?(\d{1,9}(?:\.\d*)?|\.\d+)", re.ASCII)


def counted(number: int, thing: str) -> str:
    """`1 picture`, `2 pictures`; of several words the first is counted: `2 stretches of sound`."""
    first, _, rest = thing.partition(" ")
    plural = first if number == 1 else first + ("es" if first.endswith("ch") else "s")
    return f"{number} {plural}" + (f" {rest}" if rest else "")


def clean(text: str) -> str:
    """What a video, a model, a worker or a file name says, as it may go to a terminal: one line that does nothing.

    Line ends and tabs become spaces; control and formatting characters are left out (escape sequences lose their
    escape, texts their turning of direction), and what is no character at all becomes `�`.
    """
    if text.isascii() and text.isprintable():
        return text
    kept: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if char.isspace():
            kept.append(" ")
        elif category == "Cs":
            kept.append("�")
        elif category[0] != "C" and marks <= _MARKS:
            kept.append(char)
    return "".join(kept)


def instead(wanted: str, known: Sequence[str]) -> str:
    """What is there where `wanted` is not: the nearest name, if one is near, and the first of all; nothing of none."""
    near = alike(known, wanted)
    more = f" and {len(known) - MANY} more" if len(known) > MANY else ""
    there = f"available: {', '.join(known[:MANY])}{more}" if known else ""
    asked = f"did you mean {near}?" if near else ""
    return f"; {' '.join(filter(None, (asked, there)))}" if there else ""


_FOREVER_S = 1e15


def clock(time_s: float) -> str:
    """A time of the video as players show it: `0:12.5`, `9:59.9`; from an hour on `1:02:03`."""
    sign = "-" if round(time_s, 1) < 0 else ""
    tenths = round(min(abs(time_s), _FOREVER_S) * 10)
    if tenths >= 36_000:
        minutes, whole = divmod(tenths // 10, 60)
        return f"{sign}{minutes // 60}:{minutes % 60:02}:{whole:02}"
    minutes, rest = divmod(tenths, 600)
    return f"{sign}{minutes}:{rest // 10:02}.{rest % 10}"


def seconds_of(text: str) -> float | None:
    """The seconds of `12.5`, `0:12.5` or `1:02:03`; None for anything else."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    hours, minutes, rest = found.groups()
    if minutes is not None and float(rest) >= 60:
        return None
    time_s = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest)
    return -time_s if text.strip().startswith("-") else time_s


def as_told(what: str, hint: str | None = None) -> str:
    """Return an error as a person is told of it: a line of what happened, and one of what to do."""
    told = f"error: {clean(' '.join(what.split()))}\n"
    return told if hint is None else f"{told}hint: {clean(' '.join(hint.split()))}\n"
