#!/usr/bin/env python3
"""Measure how easy the source is to navigate.

    python scripts/structure.py [--list] [--way VIDEO]

Print the counts that `docs/architecture.md` records: files and their lines, small files with one importer, class names
that are defined more than once, files that name a stage outside its package, and comparisons with a backend's name.

With `--way`, in an environment that has FrameFleet, also print the path of a run: analyze a video for objects on this
machine, and count the files on the call stack when a frame is read and taken, its request sent, its answer saved and
merged, and the document built and written.
"""

import argparse
import ast
import contextlib
import io
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from statistics import mean, median
from typing import Any

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = SOURCE / "framefleet"
SMALL_LINES = 60
STAGES = ("objects", "speech", "sounds", "text", "scenes", "tracks")
BACKENDS = ("local", "runpod", "api")
STOPS = (
    "media.video.encode:PixelEncoder.encode",
    "pipeline.consumers:BatchConsumer._take",
    "fleet.backends.inprocess:LocalBackend.submit",
    "journal.store:Journal.keep",
    "stages.objects.merge:merge",
    "results.assemble.document:build_document",
    "storage.folder:FolderResults.put",
)
"""The functions at which the call stack of a run is recorded."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="also list what is counted")
    parser.add_argument("--way", metavar="VIDEO", help="also count the files on the path of a run")
    arguments = parser.parse_args()
    named = arguments.list
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}
    trees = {path: ast.parse(text) for path, text in sources.items()}
    lines = {path: len(text.splitlines()) for path, text in sources.items() if path.name != "__init__.py"}
    print(f"files: {len(lines)}; lines per file: mean {mean(lines.values()):.0f}, median {median(lines.values()):.0f}")
    for title, found in (
        (f"files of at most {SMALL_LINES} lines with one importer", small_with_one_importer(trees, lines)),
        ("class names defined more than once", repeated_classes(trees)),
        ("files that name a stage outside its package", name_a_stage(trees)),
        ("comparisons with a backend's name", compare_a_backend(trees)),
    ):
        print(f"{title}: {len(found)}")
        if named:
            print(*(f"  {each}" for each in found), sep="\n")
    if arguments.way:
        way = way_of_a_run(arguments.way)
        print(f"files on the path of a run: {len(way)}")
        if named:
            print(*(f"  {each}" for each in way), sep="\n")


def module_of(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.Module, modules: set[str]) -> Iterator[str]:
    """Yield the project's modules that this one imports, at any level."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module in modules:
                yield node.module
            yield from (
                f"{node.module}.{alias.name}" for alias in node.names if f"{node.module}.{alias.name}" in modules
            )


def small_with_one_importer(trees: dict[Path, ast.Module], lines: dict[Path, int]) -> list[str]:
    modules = {module_of(path): path for path in trees}
    importers: dict[str, set[str]] = defaultdict(set)
    for path, tree in trees.items():
        for module in imports_of(tree, set(modules)):
            importers[module].add(module_of(path))
    return [
        f"{module} ({lines[path]} lines) <- {next(iter(importers[module]))}"
        for module, path in modules.items()
        if lines.get(path, SMALL_LINES + 1) <= SMALL_LINES and len(importers[module]) == 1
    ]


def repeated_classes(trees: dict[Path, ast.Module]) -> list[str]:
    where: dict[str, list[str]] = defaultdict(list)
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(module_of(path).removeprefix("framefleet."))
    return [f"{name}: {', '.join(places)}" for name, places in sorted(where.items()) if len(places) > 1]


def name_a_stage(trees: dict[Path, ast.Module]) -> list[str]:
    """Return the files outside `stages/` with a stage's name as a string, or an import from its package."""
    found = []
    for path, tree in trees.items():
        module = module_of(path)
        if module.startswith("framefleet.stages."):
            continue
        names = Counter(
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in STAGES
        )
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("framefleet.stages."):
                stage = node.module.split(".")[2]
                names.update([stage] if stage in STAGES else [])
        if names:
            found.append(f"{module}: {', '.join(sorted(names))}")
    return found


def compare_a_backend(trees: dict[Path, ast.Module]) -> list[str]:
    found = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and any(
                isinstance(each, ast.Constant) and each.value in BACKENDS for each in (node.left, *node.comparators)
            ):
                found.append(f"{module_of(path)}:{node.lineno}: {ast.unparse(node)}")
    return found


def way_of_a_run(video: str) -> list[str]:
    """Return the modules on the call stack at the `STOPS`."""
    import framefleet.cli

    found = {stop.partition(":")[0] for stop in STOPS}

    def noted(function: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any, **named: Any) -> Any:
            frame = sys._getframe(1)
            while frame is not None:
                file = Path(frame.f_code.co_filename)
                if file.is_relative_to(PACKAGE):
                    found.add(module_of(file).removeprefix("framefleet."))
                frame = frame.f_back
            return function(*arguments, **named)

        return noting

    for stop in STOPS:
        module, _, name = stop.partition(":")
        holder: Any = import_module(f"framefleet.{module}")
        *outer, name = name.split(".")
        for each in outer:
            holder = getattr(holder, each)
        function = getattr(holder, name)
        holders = [holder] if outer else [m for m in sys.modules.values() if getattr(m, name, None) is function]
        for each in holders:
            setattr(each, name, noted(function))
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        contextlib.suppress(SystemExit),
    ):
        framefleet.cli.main(["run", video, "--stages", "objects", "--backend", "local", "-o", folder])
    return sorted(found)


if __name__ == "__main__":
    main()
