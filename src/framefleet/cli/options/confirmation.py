"""Confirmation before anything is changed, and the option that skips it."""

import sys
from typing import Annotated

import typer

from framefleet.errors import UsageError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="do not ask for confirmation")]


def agreed(question: str, *, yes: bool) -> None:
    """Ask for confirmation unless `yes`. Raises `UsageError` if it is refused or stdin is not a terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("stdin is not a terminal", hint="pass --yes to confirm")
    if not typer.confirm(question):
        raise UsageError("not confirmed; nothing was changed")
