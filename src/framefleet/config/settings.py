"""Settings outside the command line: variables `FRAMEFLEET_<NAME>`, and framefleet.toml in the working folder.

Unknown settings are rejected, so that a typo is not silently ignored.
"""

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from framefleet.errors import UsageError

CONFIG_FILE = "framefleet.toml"
PREFIX = "FRAMEFLEET_"

_READ_ELSEWHERE = ("debug", "log", "models", "no_fetch")  # by the command line, and by the code that fetches models
_OF_ONE_COMMAND = ("report", "srt", "verbose", "sequential", "wake", "yes")  # options that are given each time


def variable(name: str) -> str:
    """Return the name of a setting's environment variable."""
    return f"{PREFIX}{name.upper()}"


def endpoint_variable(kind: str) -> str:
    """Return the name of the environment variable for the id of an endpoint, such as "yolo"."""
    return variable(f"{kind}_endpoint")


def from_environment(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the values of those `names` that are set, by name; an empty value counts as not set."""
    return {name: environ[variable(name)] for name in names if environ.get(variable(name))}


def from_file(folder: Path) -> dict[str, Any]:
    """Return the content of framefleet.toml; empty if there is none. Raises `UsageError`."""
    path = folder / CONFIG_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None


def refuse_unknown(environ: Mapping[str, str], names: Iterable[str]) -> None:
    """Raise `UsageError` for a variable `FRAMEFLEET_*` that is not in `names`, with the nearest one that is."""
    known = [variable(name) for name in (*names, *_READ_ELSEWHERE)]
    for name, value in environ.items():
        if name.startswith(PREFIX) and value and name not in known:
            raise unknown(name, name, "setting", known)


def unknown(place: str, name: str, what: str, known: Iterable[str]) -> UsageError:
    """Return the error for a `name` that is not in `known`; `place` is where it is set."""
    known = list(known)
    option = name.removeprefix(PREFIX).lower()
    if option in _OF_ONE_COMMAND:
        return UsageError(f"{place}: not a setting", hint=f"give --{option} on the command line")
    if option.endswith("_endpoint") and what != "setting":
        hint = f"write an endpoint's id under [endpoints]: {option[:-9]} = …"
    elif near := get_close_matches(name, known, n=1):
        hint = f"did you mean {near[0]}?"
    else:
        hint = f"choose from {', '.join(known)}"
    return UsageError(f"{place}: no such {what}", hint=hint)
