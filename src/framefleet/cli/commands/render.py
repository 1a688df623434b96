"""`framefleet render`: an annotated video with boxes, labels, tracks and subtitles."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from framefleet.cli.options.filters import (
    Conf,
    From,
    Labels,
    Output,
    Result,
    To,
    Video,
    chosen,
    part_of,
)
from framefleet.cli.output.format import clean, counted
from framefleet.errors import Interrupted
from framefleet.outputs.render.options import Preset, RenderOptions

if TYPE_CHECKING:
    from framefleet.outputs.render.render import Film


def render(
    result: Result,
    video: Video = None,
    output: Output = None,
    labels: Labels = None,
    conf: Conf = 0.0,
    boxes: Annotated[
        Literal["move", "hold"],
        typer.Option(help="between samples: move along tracks, or hold until the next sample"),
    ] = "move",
    subtitles: Annotated[
        Literal["draw", "track", "none"],
        typer.Option(help="subtitles: drawn into the frames, as a subtitle track, or none"),
    ] = "draw",
    legend: Annotated[
        bool, typer.Option("--legend/--no-legend", help="explain dashed boxes in a line on the frame")
    ] = True,
    start: From = None,
    end: To = None,
    crf: Annotated[float, typer.Option(help="x264 quality, 0 (best, largest) to 51", min=0, max=51)] = 20.0,
    preset: Annotated[Preset, typer.Option(help="x264 preset, speed against size")] = "veryfast",
) -> int:
    """Write an annotated video: boxes, labels, tracks and subtitles drawn on the original."""
    from framefleet.cli.output.bars import Bars
    from framefleet.media.files.probe import probe
    from framefleet.outputs.palette import colours
    from framefleet.outputs.render.render import render as write
    from framefleet.results.files import keep_apart, target
    from framefleet.results.query import tally
    from framefleet.results.video_source import find_video
    from framefleet.schema.codec import read_document
    from framefleet.timebase import Span, exact

    whole = read_document(result)
    part = part_of(Span(0.0, tally.extent(whole).end_s), start, end, result)
    look = RenderOptions(
        boxes=boxes,
        subtitles=subtitles,
        legend=legend,
        crf=crf,
        preset=preset,
        start=exact(part.start_s if part else 0.0),
        end=exact(part.end_s) if part and end else None,
    )
    document = chosen(whole, labels, conf)
    place = target(result, "_annotated.mp4", output)
    source = find_video(whole, result, video)
    keep_apart(place, (source, result))
    try:
        with Bars() as listener:
            palette = colours(whole)  # of all labels, so that they match the report's
            film = write(
                document, probe(source, video_track=whole.video.track), place, look, palette=palette, listener=listener
            )
    except KeyboardInterrupt:
        raise Interrupted("interrupted; nothing was written") from None
    for line in (*film.notes, told(film, place)):
        print(clean(line))
    return 0


def told(film: "Film", place: Path) -> str:
    return f"{place}: {counted(film.pictures, 'frame')}, {film.boxes}, {film.subtitles}, {film.sound}"
