"""The commands by name, loaded when they are called, and the pages of `--help`."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from framefleet.cli.log import log_option

COMMANDS = {
    "run": "Analyze videos: write one JSON per video with its objects, speech, sounds, text and scenes.",
    "plan": "Estimate the frames, requests, bytes, seconds and dollars of a run, without decoding anything.",
    "report": "Write an HTML report of a result: player, boxes, timeline, transcript, search, cost.",
    "show": "Show a result as a table, or search it by time, label, word, speaker, sound or text.",
    "name": "Name the speakers of a result, also for later runs: the journal keeps the names with the voices.",
    "render": "Write an annotated video: boxes, labels, tracks and subtitles drawn on the original.",
    "export": "Export a result to the formats of other tools, next to the JSON.",
    "templates": "Find the templates that many videos follow: how they are edited, whatever they are about.",
    "classify": "Label videos by what they are about, from your own labels.",
    "library": "Search many results at once: add them to a library, list what is in it, search all, or remove some.",
    "cache": "Tell why a run would ask again, or remove what the journal keeps of a stage, such as all voices.",
    "doctor": "Check what is installed, configured and reachable, and suggest fixes.",
    "emulate": "Emulate RunPod's serverless queue on this machine, until Ctrl-C.",
    "deploy": "Create or update the RunPod endpoints; settings that are not given stay unchanged.",
    "endpoints": "List the configured endpoints, with their jobs and workers by state.",
    "bill": "Compare RunPod's bill for the endpoints with FrameFleet's own accounting, and explain the difference.",
    "down": "Scale the endpoints to zero workers: jobs wait at no cost until `framefleet deploy` wakes them.",
}
"""Commands, each a function in the module of the same name, and the first line of their docstrings."""

WORDS = {"int": "INTEGER", "float": "NUMBER", "str": "TEXT", "path": "FILE"}


class Command(TyperCommand):
    """A command with the option `--log`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params.append(log_option())

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        _draw(self, ctx)


class Commands(Mapping[str, Any]):
    """COMMANDS as Typer commands. Looking one up imports it; listing imports none."""

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


@cache
def _command(name: str) -> Any:
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, cls=Command)(getattr(import_module(f"framefleet.cli.commands.{name}"), name))
    return typer.main.get_command(app)


class Group(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = Commands()  # type: ignore[assignment]

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        _draw(self, ctx, COMMANDS)


def _draw(command: Any, ctx: typer.Context, commands: Mapping[str, str] | None = None) -> None:
    """Print a help page in Typer's style. Typer's own takes twice as long, mostly for its imports."""
    from rich.console import Console, Group
    from rich.padding import Padding
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    def marked(text: str, style: str = "") -> Text:
        """Return text with option names highlighted as in the table, and brackets at the end dimmed."""
        line = Text(text, style, overflow="fold")
        line.highlight_regex(r"(?<![\w-])--[a-z][\w-]*", "bold cyan")
        line.highlight_regex(r"(?<![\w-])-[a-z](?![\w-])", "bold green")
        line.highlight_regex(r" \[[^]]*: [^]]*\]$| \[required\]$", "dim")
        return line

    def table() -> Table:
        return Table(show_header=False, expand=True, box=None, pad_edge=False, padding=(0, 1))

    def panel(title: str, rows: Table) -> Panel:
        return Panel(rows, border_style="dim", title=title, title_align="left")

    def parameters(those: list[Any]) -> Table:
        rows, any_required = table(), any(one.required for one in those)
        for one in those:
            names = [one.metavar or one.human_readable_name] if one.param_type_name == "argument" else one.opts
            long, short = _by_length(names)
            cells: list[Any] = [
                marked(",".join(long)),
                marked(",".join(short)),
                Text(",".join(one.secondary_opts), "bold magenta"),
                Text(_word(one, ctx), "bold yellow", overflow="fold"),
                _Wide(marked((one.get_help_record(ctx) or ("", ""))[1].replace("  [", " ["))),
            ]
            rows.add_row(*([Text("*" if one.required else "", "red")] * any_required), *cells)
        return rows

    usage = Text(command.get_usage(ctx), "bold")
    usage.highlight_words(["Usage:"], "yellow")
    panels: dict[str, list[Any]] = {"Arguments": [], "Options": []}
    for one in command.get_params(ctx):
        kind = "Arguments" if one.param_type_name == "argument" else "Options"
        panels.setdefault(getattr(one, "rich_help_panel", None) or kind, []).append(one)
    about = [marked(text, "dim" * bool(place)) for place, text in enumerate(_paragraphs(command.help or ""))]
    page: list[Any] = [Padding(usage, 1), *(Padding(text, (0, 1, 1, 1)) for text in about)]
    page += [panel(title, parameters(those)) for title, those in panels.items() if those]
    if commands is not None:
        listed = table()
        for name, text in commands.items():
            listed.add_row(Text(name, "bold cyan"), _Wide(Text(text)))
        page.append(panel("Commands", listed))
    Console(highlight=False).print(Group(*page))


class _Wide:
    """A renderable without a measured width, so that its column takes the remaining space."""

    def __init__(self, text: Any) -> None:
        self._text = text

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield self._text


def _by_length(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split names into long and short ones; an argument's name, without dashes, is a long one."""
    short = [name for name in names if name.startswith("-") and not name.startswith("--")]
    return [name for name in names if name not in short], short


def _paragraphs(text: str) -> list[str]:
    """Return each paragraph in one line; those that begin with `\\b` keep their lines."""
    parts = (part.strip("\n") for part in text.split("\n\n"))
    return [part.removeprefix("\b\n") if part.startswith("\b") else " ".join(part.split()) for part in parts if part]


def _word(parameter: Any, ctx: typer.Context) -> str:
    """Return the metavar or a word for the type of an option; empty for a switch or an argument."""
    if getattr(parameter, "is_flag", False) or parameter.param_type_name == "argument":
        return ""
    if parameter.metavar:
        return str(parameter.metavar)
    shown = getattr(parameter, "display_type_rich", None)  # Typer before 0.26 has only click's types
    text = (shown(ctx=ctx) if shown else parameter.type.name) or ""
    kind = text.strip("<>").removeprefix("list[").removesuffix("]").removesuffix(" range")
    return WORDS.get(kind, kind.upper() if kind.isalpha() else text)
