"""What `--help` shows of a value: a word for it, as a person would say it, and not the type in Python."""

from collections.abc import Callable
from functools import partial
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from framefleet.cli.log import log_option

WORDS = {"int": "INTEGER", "float": "NUMBER", "str": "TEXT", "path": "FILE"}


class Command(TyperCommand):
    """A command that can write a log."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(log_option())

    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        return _worded(super().get_params(ctx))


class Group(TyperGroup):
    def get_params(self, ctx: typer.Context) -> list[Any]:  # type: ignore[override]
        return _worded(super().get_params(ctx))


def _worded(parameters: list[Any]) -> list[Any]:
    """With the column of types as it is to be. Typers before 0.26 have no such column."""
    for parameter in parameters:
        if hasattr(parameter, "display_type_rich"):
            parameter.display_type_rich = partial(_word, parameter, type(parameter).display_type_rich)
    return parameters


def _word(parameter: Any, shown: Callable[..., str | None], ctx: typer.Context) -> str:
    """Nothing for a switch, nor for an argument, whose name says it; else the metavar or a word for the type."""
    if getattr(parameter, "is_flag", False) or parameter.param_type_name == "argument":
        return ""
    text = shown(parameter, ctx=ctx) or ""
    kind = text.strip("<>").removeprefix("list[").removesuffix("]").removesuffix(" range")
    return WORDS.get(kind, text)
