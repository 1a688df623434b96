"""The scripts' positional arguments, `VIDEO [fps] …`, as options of the command line that they stand for."""

from __future__ import annotations  # so that a Python too old can still say so

import os
import re
import sys
from typing import NoReturn

COMMAND = r".venv\Scripts\framefleet" if os.name == "nt" else ".venv/bin/framefleet"
NUMBER = re.compile(r"-\.?\d")  # "-1" is a number that makes no sense, and no option


def to_options(arguments: list[str], names: list[str]) -> list[str]:
    """`a.mp4 1 5 --conf 0.3` for `names` fps and max-workers is `a.mp4 --fps=1 --max-workers=5 --conf 0.3`.

    What stands before the first option counts as positional. Exits with 2 where there is more than `names` can take,
    and where what should be a number is none, such as a second video.
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
        return text == "auto"  # which --max-workers takes
    return True


def _refuse(text: str) -> NoReturn:
    print(f"framefleet: {text}", file=sys.stderr)
    raise SystemExit(2)
