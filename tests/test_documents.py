"""What the documents say is what there is: options, fields, commands, links."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pytest
import typer

from framefleet.cli import app
from framefleet.schema.document import Document
from tests.conftest import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *PAGES]
README = (ROOT / "README.md").read_text(encoding="utf-8")
OPTIONS = (ROOT / "docs" / "reference" / "options.md").read_text(encoding="utf-8")
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands
FOREIGN = {
    *("--all", "--browser", "--coverage", "--gpu-engines", "--list", "--way"),  # of our scripts
    *("--build-arg", "--help", "--no-deps", "--platform", "--rm", "--version"),
    "--describe-question",  # of the stage that docs/extending.md makes
}
"""Options that no command has."""

Tree = dict[str, Any]
"""Fields by name; under `<name>` what a dict holds, whatever its keys are."""


def sections(text: str, mark: str = "## ") -> dict[str, str]:
    """By heading, without the heading's own marks."""
    parts = re.split(rf"^{re.escape(mark)}", text, flags=re.MULTILINE)[1:]
    return {part.partition("\n")[0].strip("`[] "): part.partition("\n")[2] for part in parts}


def first_cells(text: str) -> list[str]:
    """Of every row of a table."""
    cells = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")]
    return [cell for cell in cells if cell.startswith("`")]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def options(command: str) -> set[str]:
    params = COMMANDS[command].params
    names = (name for param in params for name in (*param.opts, *param.secondary_opts))
    return {name for name in names if name.startswith("--")} - {"--help"}


def test_the_readme_is_a_page() -> None:
    assert len(README.splitlines()) <= 150


def test_the_generated_pages_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    for path, content in importlib.import_module("write_reference").generated_pages().items():
        assert path.read_text(encoding="utf-8") == content, "run python scripts/write_reference.py"


def test_the_table_of_options_has_each_of_them_and_no_other() -> None:
    told = {name for cell in first_cells(sections(OPTIONS)["Table"]) for name in re.findall(r"--[a-z-]+", cell)}
    assert told == (options("run") & options("plan")) - {"--log", "--sequential", "--verbose"}


@pytest.mark.parametrize("document", [ROOT / "README.md", *PAGES], ids=name_of)
def test_no_option_is_told_of_that_does_not_exist(document: Path) -> None:
    known = {name for command in COMMANDS for name in options(command)} | FOREIGN
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", document.read_text(encoding="utf-8"))) <= known


def test_every_command_is_told_of() -> None:
    assert [name for name in COMMANDS if not re.search(rf"framefleet {name}\b|`{name}`", README)] == []


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [path for path in PAGES if f": {path.relative_to(ROOT / 'docs').as_posix()}\n" not in listed] == []


def tree(kind: Any) -> Tree:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {name: tree(hint) for name, hint in get_type_hints(kind).items() if name in kind.__struct_fields__}
    if get_origin(kind) is dict:
        return {"<name>": tree(get_args(kind)[1])}
    merged: Tree = {}
    for argument in get_args(kind):
        merged |= tree(argument)
    return merged


def resolved(top: Tree, path: str) -> Tree | None:
    """What is at `a[].b.<name>.c`; None if there is no such field."""
    for name in path.replace("[]", "").split("."):
        if name not in top and "<name>" not in top:
            return None
        top = top.get(name, top.get("<name>", {}))
    return top


def names(fields: Tree) -> Iterator[str]:
    for name, below in fields.items():
        if name != "<name>":
            yield name
        yield from names(below)


SCHEMA = sections((ROOT / "docs" / "schema.md").read_text(encoding="utf-8"))
FIELDS = tree(Document)


def test_the_tree_is_the_documents() -> None:
    assert resolved(FIELDS, "detections[].objects[].box") == {}
    assert resolved(FIELDS, "cost.stages.objects.usd") == {}
    assert resolved(FIELDS, "video.nothing") is None


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_the_result_is_explained(field: str) -> None:
    assert field in {name for cell in first_cells(SCHEMA["Top level"]) for name in re.findall(r"`(\w+)", cell)}
    below = set(names(FIELDS[field]))
    if below:
        told = {word for quoted in re.findall(r"`([^`]+)`", SCHEMA[field]) for word in re.findall(r"\w+", quoted)}
        assert below - told == set()


@pytest.mark.parametrize("section", ["Top level", *(name for name in SCHEMA if name in FIELDS)])
def test_no_field_is_explained_that_does_not_exist(section: str) -> None:
    top = FIELDS.get(section, FIELDS)
    for cell in first_cells(SCHEMA[section]):
        before = ""  # of `objects[].class_id`, `label` the second has the first one's parents
        for quoted in re.findall(r"`([^`]+)`", cell):
            assert resolved(top, quoted) is not None or resolved(top, f"{before}{quoted}") is not None, quoted
            before = quoted[: quoted.rfind(".") + 1] or before


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        path = (document.parent / target) if target else document
        assert path.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], link
