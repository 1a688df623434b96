"""What users read is plain English: no phrase of the list below, each with what to say instead."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from framefleet.cli import app
from framefleet.cli.help import COMMANDS
from tests.conftest import ROOT

PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/**/*.md")
"""The pages that are covered."""

BANNED = {
    r"\b(?:is|are|was|were) asked (?:for|anew|again|about)\b": "is requested, is sent again",
    r"\bnothing (?:more|new) is asked\b": "no further requests are sent",
    r"\b(?:is|are) told\b|\btells? of\b|\bis said (?:by|with)\b": "is reported, says, shows",
    r"\bwhoever\b|\bfor who\b|\bwho (?:makes|carries|offers|writes)\b|\bsomebody\b": "you, or name the role",
    r"\bnobody (?:is there|reads|knows|asks|was|answered|told)\b": "say what happens instead",
    r"\bheed(?:s|ed)?\b": "respects",
    r"\b(?:goes|go|going) on\b": "continues, resumes",
    r"\bis so already\b": "is up to date",
    r"\b(?:were|are|is|already) at work\b": "running, in flight",
    r"\bmakes? do\b": "uses fewer",
    r"\bdear(?:er|est)?\b": "expensive",
    r"\bpieces? of work\b|\bparcels?\b": "work item, batch",
    r"\bas (?:new|many) as they come\b": "the newest",
    r"\bnot paid again\b": "nothing is paid twice",
    r"\banew\b": "again, once more",
    r"\bwhat is (?:seen|said|heard|written|known|not said)\b": "objects, speech, sounds, text; the results so far",
    r"\bpictures? a second\b|\ba picture\b(?! of)": "frames per second, a frame",
    r"\ba page to look at\b|\bwhat other tools read\b": "an HTML report, exports",
    r"\bfrom here on\b|\basking about\b": "from now on, sending",
    r"\bneeded the most time\b|\bwhat all waited for\b": "the bottleneck",
    r"\bbesides?\b": "next to, also",
    r"\bthe house\b": "architecture",
}
"""In pages and in what the program says: a pattern, and what to say instead."""

BANNED_IN_HELP = {
    r"\bpictures?\b": "frames",
    r"\b(?:least|most) (?:confidence|score|objects|workers)\b": "minimum, maximum",
    r"\b(?:at )?most \w+ (?:in|of) an?\b": "maximum … per",
    r"\bworker's second\b|\ba (?:minute|second|request)\b(?! (?:time|that|of video))": "per second, per request",
    r"\bfor programs\b|\bthe same for\b": "print JSON",
    r"\blook(?:s|ed)? (?:at|for)\b|\blisten(?:s|ed)? to\b": "detect, sample, transcribe",
    r"\bbe?side\b": "next to, additional",
    r"\bhere\b": "on this machine, local",
    r"\bas it is\b|\bthere are\b": "unchanged, existing",
    r"\bmakes? (?:the|one|a)\b": "create, write",
}
"""In the help of commands and options."""

QUOTED = {
    "docs/how-to/troubleshooting.md": r"`[^`\n]*`",  # messages as they are
}
"""What a page quotes from the program."""


def findings(text: str, banned: dict[str, str]) -> list[str]:
    return [
        f"{match.group()!r}: {instead}"
        for pattern, instead in banned.items()
        for match in re.finditer(pattern, text, re.IGNORECASE)
    ]


def pages() -> list[Path]:
    return sorted(path for pattern in PAGES for path in ROOT.glob(pattern))


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_page_has_a_banned_phrase(path: Path) -> None:
    name = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    if name in QUOTED:
        text = re.sub(QUOTED[name], "", text, flags=re.DOTALL)
    assert findings(text, BANNED) == []


def texts_of(command: Any) -> Iterator[str]:
    yield command.help or ""
    yield from (param.help or "" for param in command.params)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_has_a_banned_phrase_in_its_help(name: str) -> None:
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    assert findings("\n".join([COMMANDS[name], *texts_of(command)]), BANNED | BANNED_IN_HELP) == []


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def strings_of(tree: ast.AST) -> Iterator[str]:
    """The string literals of a module, but for docstrings, which stand alone as statements."""
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def notices_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Notice":
            yield from strings_of(node)


def sources(pattern: str) -> list[Path]:
    return sorted((ROOT / "src" / "framefleet").glob(pattern))


@pytest.mark.parametrize(
    "path",
    [path for pattern in ("cli/**/*.py", "outputs/**/*.py", "results/**/*.py") for path in sources(pattern)],
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_no_text_of_the_command_line_or_an_output_has_a_banned_phrase(path: Path) -> None:
    assert findings("\n".join(strings_of(parsed(path))), BANNED) == []


@pytest.mark.parametrize("path", sources("outputs/report/page/*.*"), ids=lambda path: path.name)
def test_no_part_of_the_report_page_has_a_banned_phrase(path: Path) -> None:
    assert findings(path.read_text(encoding="utf-8"), BANNED) == []


def test_no_notice_has_a_banned_phrase() -> None:
    said = [text for path in sources("**/*.py") for text in notices_of(parsed(path))]
    assert len(said) > 20
    assert findings("\n".join(said), BANNED) == []


NO_VERBS = re.compile(
    r"(?:the|an?|what|whether|how|where|when|why|which|who|one|all|any|each|every|some|those|these|this|that|its|of|by|in"
    r"|for|from|with|without|as|at|if|raises|takes|says|tells|makes|returns|writes|gives)\b",
    re.IGNORECASE,
)
"""First words of docstrings that are not in the imperative."""


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    """Yield the functions and methods of a module, without properties, which are described like attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and not any("property" in ast.unparse(d) for d in node.decorator_list):
            yield node


@pytest.mark.parametrize("package", sorted({p.parent.name for p in sources("*/*.py")} - {"__pycache__"}))
def test_docstrings_of_functions_are_in_the_imperative(package: str) -> None:
    told = [
        f"{path.name}: {function.name}: {docstring.splitlines()[0]}"
        for path in sources(f"{package}/**/*.py")
        for function in functions(parsed(path))
        if (docstring := ast.get_docstring(function)) and NO_VERBS.match(docstring)
    ]
    assert told == []


def test_a_banned_phrase_is_found_in_a_sentence_of_old() -> None:
    old = "Jobs that were already at work are asked for by their ids, and not paid again."
    assert len(findings(old, BANNED)) == 3
