"""What is set besides the command line: variables `FRAMEFLEET_<NAME>`, and framefleet.toml in the folder of work.

What nobody reads is refused: a name that is misspelt would otherwise do nothing, and say nothing of it.
"""

import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from framefleet.errors import UsageError

CONFIG_FILE = "framefleet.toml"
PREFIX = "FRAMEFLEET_"

_READ_ELSEWHERE = ("debug", "log", "models", "no_fetch")  # by the command line, and by what finds fetched models
_OF_ONE_COMMAND = ("report", "verbose", "sequential", "wake", "yes")  # options that are said each time


def variable(name: str) -> str:
    """The environment's name of a setting."""
    return f"{PREFIX}{name.upper()}"


def endpoint_variable(kind: str) -> str:
    """The environment's name of the id of an endpoint, such as "yolo"."""
    return variable(f"{kind}_endpoint")


def from_environment(environ: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Those of `names` that are set there, by name; one that is empty is not set."""
    return {name: environ[variable(name)] for name in names if environ.get(variable(name))}


def from_file(folder: Path) -> dict[str, Any]:
    """All that framefleet.toml says; nothing where there is none. Raises `UsageError`."""
    path = folder / CONFIG_FILE
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None


def refuse_unknown(environ: Mapping[str, str], names: Iterable[str]) -> None:
    """Raises `UsageError` for a variable of ours that is none of `names`, with the nearest one that is."""
    known = [variable(name) for name in (*names, *_READ_ELSEWHERE)]
    for name, value in environ.items():
        if name.startswith(PREFIX) and value and name not in known:
            raise unknown(name, name, "setting", known)


def unknown(place: str, name: str, what: str, known: Iterable[str]) -> UsageError:
    """The error for a `name` that is none of `known`; `place` says where it stands."""
    known = list(known)
    option = name.removeprefix(PREFIX).lower()
    if option in _OF_ONE_COMMAND:
        return UsageError(f"{place}: not a setting", hint=f"say --{option} on the command line")
    if option.endswith("_endpoint") and what != "setting":
        return UsageError(f"{place}: no such {what}; an endpoint's id goes under [endpoints]: {option[:-9]} = …")
    if near := get_close_matches(name, known, n=1):
        return UsageError(f"{place}: no such {what}; did you mean {near[0]}?")
    return UsageError(f"{place}: no such {what}; there are {', '.join(known)}")
