"""Asking a person to agree before anything is changed, and the option that agrees beforehand."""

import sys
from typing import Annotated

import typer

from framefleet.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask for confirmation")]


def agreed(question: str, *, yes: bool) -> None:
    """Returns when a person, or `--yes`, agrees. Raises `UsageError` where there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("stdin is not a terminal", hint="pass --yes to confirm")
    if not typer.confirm(question):
        raise UsageError("not confirmed; nothing was changed")
