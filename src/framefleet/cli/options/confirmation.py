"""Asking a person to agree before anything is changed, and the option that agrees beforehand."""

import sys
from typing import Annotated

import typer

from framefleet.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask")]


def agreed(question: str, *, yes: bool) -> None:
    """Returns when a person, or `--yes`, agrees. Raises `UsageError` where there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to agree to this", hint="add --yes")
    if not typer.confirm(question):
        raise UsageError("not agreed to; nothing was changed")
