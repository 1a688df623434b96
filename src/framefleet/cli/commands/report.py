"""`framefleet report`: an HTML report of a document."""

from typing import TYPE_CHECKING, Annotated

import typer

from framefleet.cli.options.filters import Output, Result, Video
from framefleet.cli.output.format import clean, counted

if TYPE_CHECKING:
    from framefleet.outputs.report.make import Report


def report(
    result: Result,
    video: Video = None,
    output: Output = None,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails/--no-thumbnails", help="include a thumbnail of each scene")
    ] = True,
) -> int:
    """Write an HTML report of a result: player, boxes, timeline, transcript, search, cost."""
    from framefleet.cli.output.bars import Bars
    from framefleet.outputs.report.make import ENDING, look_for_video, make_report
    from framefleet.results.files import target
    from framefleet.schema.codec import read_document

    document = read_document(result)
    place = target(result, ENDING, output)
    with Bars() as listener:
        found = look_for_video(document, result, video, listener)
        made = make_report(document, result, output=place, video=found, pictures=thumbnails, listener=listener)
    print(line_about(made))
    return 0


def line_about(made: "Report") -> str:
    """Return the line that says where the report is and how large."""
    size = f"{made.size_bytes / 1e6:.1f} MB, {counted(made.pictures, 'thumbnail')}"
    return f"  report     {clean(str(made.path))} ({size})"
