"""python scripts/write_reference.py [--check]

Write the reference of the command line: docs/reference/cli.md, from the help of the commands, and the tables in
options.md, from the options that `run` and `plan` share. With --check, write nothing and exit with 1 if a page is out
of date.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from environment import ROOT, enter

FOLDER = ROOT / "docs" / "reference"
START, END = "<!-- generated: python scripts/write_reference.py -->", "<!-- end -->"
CLI = """\
# Command line

The text is that of each command's `--help`. `run` and `plan` share their [options](options.md); the other commands'
are below. Defaults are in brackets; an option without one is off or
empty.
"""
SET_EACH_TIME = (
    "--engine",
    "--log",
    "--ray-address",
    "--report",
    "--sequential",
    "--srt",
    "--verbose",
    "--videos",
    "--wake",
    "--yes",
)
"""Options that exist on the command line only."""


def main() -> int:
    enter()
    pages = generated_pages()
    if "--check" not in sys.argv[1:]:
        for path, content in pages.items():
            path.write_text(content, encoding="utf-8")
        return 0
    stale = [path for path, content in pages.items() if path.read_text(encoding="utf-8") != content]
    for path in stale:
        print(f"{path.relative_to(ROOT)} is out of date; run python scripts/write_reference.py", file=sys.stderr)
    return 1 if stale else 0


def generated_pages() -> dict[Path, str]:
    """Return the up-to-date content of each generated page."""
    import typer

    from framefleet.cli import app

    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    options = FOLDER / "options.md"
    before, _, rest = options.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    shared = {long_name(param) for param in commands["plan"].params}.difference(SET_EACH_TIME)
    return {
        FOLDER / "cli.md": "\n".join([CLI, *commands_of(commands, shared)]),
        options: "\n".join([before + START, "", *options_of(commands["run"]), "", END + after]),
    }


def commands_of(commands: dict[str, Any], shared: set[str]) -> Iterator[str]:
    import typer

    for name, command in commands.items():
        context = typer.Context(command)
        yield from (f"## framefleet {name}", "")
        yield from (line for text in paragraphs(command.help) for line in (text, ""))
        arguments = [param for param in command.params if param.param_type_name == "argument"]
        params = [param for param in command.params if param.param_type_name == "option"]
        usage = " ".join(
            word if param.required else f"[{word}]"
            for param in arguments
            for word in [f"{param.metavar or param.name.upper()}{'…' if param.nargs == -1 else ''}"]
        )
        yield from ("```", f"framefleet {name} {usage}".rstrip() + " [OPTIONS]", "```", "")
        if name in ("run", "plan"):
            params = [param for param in params if long_name(param) not in shared]
            yield from ("Takes the [shared options](options.md#table) and these:", "")
        yield from ("| argument or option | takes | meaning |", "|---|---|---|")
        for param in arguments + params:
            yield f"| {names_of(param)} | {takes(param, context)} | {cell(help_of(param, context))} |"
        yield ""


def options_of(command: Any) -> Iterator[str]:
    """Yield tables of the options, one for each panel of the help."""
    import typer

    context = typer.Context(command)
    panels: dict[str, list[Any]] = {}
    for param in command.params:
        if param.param_type_name == "option" and long_name(param) not in SET_EACH_TIME:
            panels.setdefault(param.rich_help_panel, []).append(param)
    for title, params in panels.items():
        yield from (f"### {title}", "", "| option | takes | default | meaning |", "|---|---|---|---|")
        for param in params:
            meaning, default = split_default(param.help)
            yield f"| {names_of(param)} | {takes(param, context)} | {cell(default)} | {cell(meaning)} |"
        yield ""


def paragraphs(help_text: str) -> Iterator[str]:
    """Yield the paragraphs of a command's help, and as code those that keep their lines."""
    for part in re.split(r"\n\s*\n", help_text.strip()):
        if "\n" in part.strip() and re.search(r"\S {2,}\S", part):
            yield f"```\n{part.strip(chr(8) + chr(10))}\n```"
        elif part.strip("\b \n"):
            yield " ".join(part.replace("\b", "").split())


def long_name(param: Any) -> str:
    return max(param.opts, key=len)


def names_of(param: Any) -> str:
    if param.param_type_name == "argument":
        return f"`{param.metavar or param.name.upper()}`"
    return ", ".join(f"`{name}`" for name in (*param.opts, *param.secondary_opts))


def takes(param: Any, context: Any) -> str:
    """Return the placeholder of a value, as `--help` shows it; empty for a switch or an argument."""
    from framefleet.cli.help import _word

    shown = _word(param, context).strip("<>")
    return ", ".join(f"`{choice}`" for choice in shown.split("|")) if shown else ""


def help_of(param: Any, context: Any) -> str:
    """Return the help of a parameter with its default, range or `required` in parentheses."""
    shown = (param.get_help_record(context) or ("", param.help or ""))[1]
    return re.sub(r" +\[([^]]*)\]$", r" (\1)", shown)  # Markdown reads brackets as a link


def split_default(text: str) -> tuple[str, str]:
    """Split a help text into the text and the default in the parentheses at its end."""
    found = re.fullmatch(r"(.*\S) \(([^()]*)\)", text)
    return (found[1], found[2]) if found else (text, "")


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
