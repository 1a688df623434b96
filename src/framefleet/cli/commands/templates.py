"""`framefleet templates`: how many videos are edited, and which alike."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from framefleet.cli.output.format import clean, counted
from framefleet.errors import UsageError

if TYPE_CHECKING:
    from framefleet.corpus.result import Templates
    from framefleet.outputs.templates.files import TemplateFiles
    from framefleet.outputs.templates.make import Frames
    from framefleet.schema.document import Document

Results = Annotated[
    list[Path] | None,
    typer.Argument(metavar="RESULT", help="results of runs, or folders of them", show_default=False),
]


def templates(
    results: Results = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="the JSON to write; the page is next to it")
    ] = Path("templates.json"),
    watch: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="continue while a run writes into this folder, until that run or Ctrl-C ends it"
        ),
    ] = None,
    vectors: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="also write the figures of each video: a .csv or .parquet (may be repeated)"),
    ] = None,
    reports: Annotated[
        bool, typer.Option("--reports/--no-reports", help="also write the reports that the page leads to, if missing")
    ] = True,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails/--no-thumbnails", help="include thumbnails of each video")
    ] = True,
) -> int:
    """Find the templates that many videos follow: how they are edited, whatever they are about.

    Results of `framefleet run --stages all` tell most: text, speech and cuts set templates apart. A template needs
    three videos; one-off videos stay alone.
    """
    if (watch is None) == (not results):
        raise UsageError("give results, or a folder to --watch", hint="such as framefleet templates output/")
    from framefleet.outputs.templates.files import TemplateFiles
    from framefleet.outputs.templates.make import thumbnails_of

    files = TemplateFiles(output, vectors or [])
    frames = cache_by_path(thumbnails_of) if thumbnails else None
    if watch is not None:
        made = _watched(watch, files, frames, reports)
    else:
        made = _found(results or [], files, frames, reports)
    if made is None:
        print("no result came")
        return 1
    _print(made)
    for path in (files.json, files.page, *files.tables):
        print(clean(f"  wrote {path}"))
    return 0


def cache_by_path(frames: "Frames") -> "Frames":
    """Return `frames` so that each video is decoded once, however often its page is written."""
    kept: dict[tuple[str, str, int], list[str]] = {}

    def cached(path: str, document: "Document", count: int) -> list[str]:
        key = (path, document.video.sha256, count)
        if key not in kept:
            kept[key] = frames(path, document, count)
        return kept[key]

    return cached


def _found(results: list[Path], files: "TemplateFiles", frames: "Frames | None", reports: bool) -> "Templates":
    from framefleet.corpus.grouping import templates_of
    from framefleet.corpus.reading import read_all

    previous = files.previous()
    documents = read_all(results)
    made = templates_of(documents, previous=previous)
    if reports:
        _write_reports(documents)
    files.write(made, documents, frames)
    return made


def _watched(place: Path, files: "TemplateFiles", frames: "Frames | None", reports: bool) -> "Templates | None":
    """Write and print what comes into the folder until its run ends, and return the last of it; None without any."""
    from framefleet.outputs.templates.watching import Folder
    from framefleet.outputs.templates.watching import watch as follow

    if not place.is_dir():
        raise UsageError(f"--watch {place}: not a folder", hint="give the folder that a run writes into")
    folder = Folder(place, files.previous())

    def show(made: "Templates", come: list[str]) -> None:
        if not come and reports:
            _write_reports(folder.documents)
        files.write(made, folder.documents, frames)
        print(_summary(made, come), flush=True)

    print(clean(f"watching {place}, until its run ends or Ctrl-C"), flush=True)
    follow(folder, show)
    return folder.previous if folder.documents else None


def _write_reports(documents: "Mapping[str, Document]") -> None:
    """Write the reports that are missing next to their documents."""
    from framefleet.outputs.report.make import look_for_video, make_report, report_path
    from framefleet.progress import silent

    for path, document in ((Path(path), document) for path, document in documents.items()):
        if not report_path(path).exists():
            make_report(document, path, video=look_for_video(document, path, None, silent))


def _summary(made: "Templates", come: list[str]) -> str:
    of = {one.document: one.cluster for one in made.videos}
    new = ", ".join(f"{Path(path).name} → {of[path] or 'alone'}" for path in come)
    totals = f"{counted(len(made.videos), 'video')}, {counted(len(made.clusters), 'template')}, {len(made.alone)} alone"
    return clean(f"{totals}: {new}" if new else totals)


def _print(made: "Templates") -> None:
    for cluster in made.clusters:
        near = [one.id for one in made.clusters if one.family == cluster.family and one is not cluster]
        close = f", close to {', '.join(near)}" if near else ""
        print(clean(f"{cluster.id}: {counted(len(cluster.members), 'video')}{close}, such as {cluster.medoid}"))
        print(clean(f"  {cluster.template}"))
        for one in (cluster.from_family or cluster.differences)[:3]:
            print(clean(f"  · {one.text}"))
    for path in made.alone:
        print(clean(f"alone: {path}"))
