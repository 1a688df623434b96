"""Text formatting that commands share, and the cleaning of foreign text for a terminal."""

import unicodedata
from collections.abc import Sequence

from framefleet.results.query.phrases import alike

NOUN = {"frames": "Batch", "s": "Chunk"}
"""How a request is called, by the unit of its work."""

MANY = 20  # available names listed when a name is unknown

_MARKS = 4  # marks on one letter; no language stacks more, and a tower of them covers other lines


def counted(number: int, thing: str) -> str:
    """Return `1 frame`, `2 frames`; of several words the first is put in the plural: `2 stretches of sound`."""
    first, _, rest = thing.partition(" ")
    plural = first if number == 1 else first + ("es" if first.endswith("ch") else "s")
    return f"{number} {plural}" + (f" {rest}" if rest else "")


def clean(text: str) -> str:
    """Return foreign text (of a video, a model, a worker, a file name) as one line that is safe for a terminal.

    Line ends and tabs become spaces; control and formatting characters are dropped (such as escapes and changes of
    text direction), and unpaired surrogates become `�`.
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
    """Return a suffix for a message about an unknown name: the closest name, if any, and the first available ones."""
    near = alike(known, wanted)
    more = f" and {len(known) - MANY} more" if len(known) > MANY else ""
    there = f"available: {', '.join(known[:MANY])}{more}" if known else ""
    asked = f"did you mean {near}?" if near else ""
    return f"; {' '.join(filter(None, (asked, there)))}" if there else ""


_FOREVER_S = 1e15


def clock(time_s: float) -> str:
    """Return a time as players show it: `0:12.5`, `9:59.9`; from an hour on `1:02:03`."""
    sign = "-" if round(time_s, 1) < 0 else ""
    tenths = round(min(abs(time_s), _FOREVER_S) * 10)
    if tenths >= 36_000:
        minutes, whole = divmod(tenths // 10, 60)
        return f"{sign}{minutes // 60}:{minutes % 60:02}:{whole:02}"
    minutes, rest = divmod(tenths, 600)
    return f"{sign}{minutes}:{rest // 10:02}.{rest % 10}"


def as_told(what: str, hint: str | None = None) -> str:
    """Return an error as shown on the terminal: a line with what happened, and one with what to do."""
    told = f"error: {clean(' '.join(what.split()))}\n"
    return told if hint is None else f"{told}hint: {clean(' '.join(hint.split()))}\n"
