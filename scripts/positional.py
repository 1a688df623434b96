"""Conversion of the scripts' positional arguments, `VIDEO [fps] …`, to options of the command line."""

from __future__ import annotations  # so that an old Python can still report its version

import os
import re
import sys
from typing import NoReturn

COMMAND = r".venv\Scripts\framefleet" if os.name == "nt" else ".venv/bin/framefleet"
NUMBER = re.compile(r"-\.?\d")  # "-1" is an invalid number, not an option


def to_options(arguments: list[str], names: list[str]) -> list[str]:
    """Return `a.mp4 --fps=1 --max-workers=5 --conf 0.3` for `a.mp4 1 5 --conf 0.3` and `names` fps and max-workers.

    Arguments before the first option are positional. Exits with 2 if there are more than `names`, or if one that should
    be a number is not, such as a second video.
    """
    leading = 0
    while leading < len(arguments) and (arguments[leading][:1] != "-" or NUMBER.match(arguments[leading])):
        leading += 1
    video, values, rest = arguments[: min(1, leading)], arguments[1:leading], arguments[leading:]
    usage = " ".join(f"[{name}]" for name in names)
    for name, value in zip(names, values, strict=False):
        if name != "output-dir" and not _is_number(value):
            _refuse(f"{name} {value}: not a number; give VIDEO {usage}, or for several videos: {COMMAND} run A B")
    if len(values) > len(names):
        _refuse(f"{values[len(names)]}: one argument too many; give VIDEO {usage} and then options")
    return [*video, *(f"--{name}={value}" for name, value in zip(names, values, strict=False)), *rest]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == "auto"  # for --max-workers
    return True


def _refuse(text: str) -> NoReturn:
    print(f"framefleet: {text}", file=sys.stderr)
    raise SystemExit(2)
