"""`framefleet run`: the analysis of one video, or of several at once."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from framefleet.cli.options.confirmation import Yes
from framefleet.cli.options.run import with_flags
from framefleet.cli.options.videos import Videos, exit_code, is_folder, left_out_of, named, parse_at_once
from framefleet.cli.output.format import clean
from framefleet.errors import UsageError

if TYPE_CHECKING:
    from framefleet.cli.output.table import Page
    from framefleet.config.options import Options
    from framefleet.executors.base import Executor
    from framefleet.fleet.backends.runpod.survey import Sleep
    from framefleet.schema.document import Document
    from framefleet.session import Session

AUTO = "auto"
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
    at_once: Annotated[
        str,
        typer.Option(
            "--videos", metavar="N|auto", help="how many to analyze at the same time; auto: 4, 2 without endpoints"
        ),
    ] = AUTO,
    engine: Annotated[
        str,
        typer.Option("--engine", metavar="threads|slots|ray", help="analyze several in threads, processes, or by Ray"),
    ] = "threads",
    ray_address: Annotated[
        str | None,
        typer.Option("--ray-address", help="the Ray cluster to use with --engine ray, instead of this machine"),
    ] = None,
    wake: Annotated[
        bool, typer.Option("--wake", help="raise the max workers of endpoints that RunPod lowered, after confirmation")
    ] = False,
    yes: Yes = False,
    *,
    flags: dict[str, Any],
) -> int:
    """Analyze videos: write one JSON per video with its objects, speech, sounds, text and scenes."""
    from framefleet.config.loading import load_fleet, load_options

    if ray_address is not None and engine != "ray":
        raise UsageError("--ray-address: for --engine ray only", hint="add --engine ray")
    number, left_out, paths = parse_at_once(at_once), left_out_of(videos), named(videos)
    options, fleet = load_options(flags | (SEQUENTIAL if sequential else {})), load_fleet()
    several = len(paths) > 1 or at_once != AUTO or any(is_folder(Path(name)) for name in videos)
    announce(paths)  # before the slow imports below

    from framefleet.cli.many import run_many
    from framefleet.cli.output.bars import Bars, Lines
    from framefleet.cli.output.summary import summary
    from framefleet.session import Session

    def further(document: "Document", result: Path, video: Path) -> None:
        if srt:
            _subtitles(document, result)
        if report:
            _report(document, result, video, name=video.name if several else None)

    with Session(fleet=fleet, max_cost=options.max_cost if several else None) as session:
        if wake:
            _wake(session, paths, options, yes=yes)
        if several:
            return run_many(
                session,
                paths,
                options,
                at_once=number,
                engine=engine if ray_address is None else _ray(number, ray_address),
                left_out=left_out,
                verbose=verbose,
                sequential=sequential,
                then=further,
            )
        prepared = session.prepare(paths[0], options)
        with Lines() if sequential else Bars(verbose=verbose) as listener:
            document = session.execute(prepared, listener)
        summary(document, prepared.path)
        if not report:
            point_on(prepared.path)
        further(document, prepared.path, prepared.media.path)
        return exit_code(3 if document.failures else 0, left_out)


def _ray(at_once: "int | Literal['auto']", address: str) -> "Executor":
    from framefleet.executors.ray import Ray

    return Ray(at_once if isinstance(at_once, int) else None, address)


def _wake(session: "Session", videos: Sequence[Path], options: "Options", *, yes: bool) -> None:
    """Raise the max workers of the endpoints that these videos need and that RunPod lowered, after confirmation."""
    from framefleet.analysis import asleep, unanswered_plans
    from framefleet.cli.options.wake import raise_again
    from framefleet.errors import FrameFleetError

    sleeps: dict[str, Sleep] = {}
    for video in videos:
        try:
            prepared = session.prepare(video, options)
        except FrameFleetError:
            continue  # its analysis reports that
        sleeps |= {sleep.kind: sleep for sleep in asleep(prepared, unanswered_plans(prepared))}
    raise_again(session.survey(options), list(sleeps.values()), yes=yes)


def _report(document: "Document", result: Path, video: Path, *, name: str | None = None) -> None:
    """Write the HTML report next to the document; `name` prefixes the lines about it."""
    from framefleet.cli.commands.report import line_about
    from framefleet.cli.output.bars import Bars
    from framefleet.outputs.report.make import make_report

    with Bars(video=name) as listener:
        print(line_about(make_report(document, result, video=video, listener=listener)))


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


def announce(videos: list[Path]) -> None:
    """Print what is read, if it exists; the imports and reading that follow take about a second."""
    if any(video.is_file() for video in videos):
        what = clean(str(videos[0])) if len(videos) == 1 else f"{len(videos)} videos"
        print(f"reading {what}", file=sys.stderr, flush=True)


def point_on(document: Path, page: "Page | None" = None) -> None:
    """Print the command for a report on a terminal, unless the report exists."""
    from framefleet.cli.output.table import Page
    from framefleet.install_hints import framefleet
    from framefleet.outputs.report.make import report_path

    page = page or Page()
    if page.terminal and not report_path(document).exists():
        page.line("next", framefleet("report", str(document)), whole=True)
