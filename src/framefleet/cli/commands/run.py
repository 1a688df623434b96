"""`framefleet run`: the analysis of one or several videos, one after the other."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from framefleet.cli.batch import each
from framefleet.cli.options.confirmation import Yes
from framefleet.cli.options.run import with_flags
from framefleet.cli.options.videos import (
    Row,
    Videos,
    exit_code,
    named,
    overview,
    told_left_out,
)
from framefleet.cli.output.format import clean
from framefleet.results.names import names_of

if TYPE_CHECKING:
    from framefleet.cli.output.table import Page
    from framefleet.schema.document import Document

SEQUENTIAL = {"max_workers": 1, "batch_size": 1, "stages": "objects"}


@with_flags
def run(
    videos: Videos,
    sequential: Annotated[
        bool, typer.Option("--sequential", help="one frame per request, one request at a time, objects only")
    ] = False,
    report: Annotated[bool, typer.Option("--report", help="also write an HTML report")] = False,
    srt: Annotated[bool, typer.Option("--srt", help="also write subtitles (SRT)")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="print a line per answered request")] = False,
    wake: Annotated[
        bool, typer.Option("--wake", help="raise the max workers of endpoints that RunPod lowered, after confirmation")
    ] = False,
    yes: Yes = False,
    *,
    flags: dict[str, Any],
) -> int:
    """Analyze videos: write one JSON per video with its objects, speech, sounds, text and scenes."""
    from framefleet.config.loading import load_fleet, load_options

    left_out, paths, rows = told_left_out(videos), named(videos), list[Row]()
    names = names_of(paths)
    options, fleet = load_options(flags | (SEQUENTIAL if sequential else {})), load_fleet()
    if paths:
        announce(paths[0])  # before the slow imports below

    from framefleet.cli.commands.report import told
    from framefleet.cli.options.wake import raise_again
    from framefleet.cli.output.bars import Bars, Lines
    from framefleet.cli.output.summary import summary
    from framefleet.outputs.report.make import make_report
    from framefleet.session import Session, asleep, unanswered_plans

    session = Session(fleet=fleet)

    def one(video: Path) -> int:
        if video != paths[0]:
            announce(video)
        prepared = session.prepare(video, options, name=names[video])
        if wake:
            raise_again(prepared.survey, asleep(prepared, unanswered_plans(prepared)), yes=yes)
        name = video.name if len(paths) > 1 else None
        with Lines(video=name) if sequential else Bars(verbose=verbose, video=name) as listener:
            document = session.execute(prepared, listener)
        summary(document, prepared.path)
        rows.append(Row(video, "partial" if document.failures else "done", document.cost.usd, prepared.path))
        if len(paths) == 1 and not report:
            point_on(prepared.path)
        if srt:
            _subtitles(document, prepared.path)
        if report:
            with Bars(video=name) as listener:
                print(told(make_report(document, prepared.path, video=prepared.media.path, listener=listener)))
        return 3 if document.failures else 0

    try:
        with session:
            return exit_code(each(paths, one), left_out)
    finally:  # also if an error ended the run
        if len(paths) > 1 and rows:
            overview(paths, rows, left_out=left_out)


def _subtitles(document: "Document", result: Path) -> None:
    """Write the subtitles next to the document, or print why there are none."""
    from framefleet.errors import InputError
    from framefleet.outputs.export.formats import export, formats_of, targets
    from framefleet.results.files import beside

    (format,) = formats_of("srt")
    path = targets([format], document, result, None)[format]
    try:
        export(document, format, path, stem=beside(result, "").name)
    except InputError as error:
        print(clean(f"no subtitles: {error}"), file=sys.stderr)
    else:
        print(f"  srt        {clean(str(path))}")


def announce(video: Path) -> None:
    """Print which video is read, if it exists; the imports and reading that follow take about a second."""
    if video.is_file():
        print(f"reading {clean(str(video))}", file=sys.stderr, flush=True)


def point_on(document: Path, page: "Page | None" = None) -> None:
    """Print the command for a report on a terminal, unless the report exists."""
    from framefleet.cli.output.table import Page
    from framefleet.install_hints import framefleet
    from framefleet.outputs.report.make import report_path

    page = page or Page()
    if page.terminal and not report_path(document).exists():
        page.line("next", framefleet("report", str(document)), whole=True)
